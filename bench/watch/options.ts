/** What can be asked of `bench/watch.ts` on its command line. Pure. */
import { parseArgs } from 'node:util'
import { positive, whole } from '../lab/option-readers.ts'

export interface WatchOptions {
  readonly viewers: number
  /** Viewers are dealt to so many, each on a machine of its own. */
  readonly browsers: number
  /** Between one that comes and the next. */
  readonly gapSeconds: number
  /** Of the play that is measured, from the arrival of the last. */
  readonly seconds: number
  readonly film: FilmPlan
  readonly serverMbit: number
  readonly lanMbit: number
  readonly sites: number
  readonly wanMbit: number
  /** Starts on a quiet network, of the page and of a bare `<video>` each, in turns. */
  readonly starts: number
  /** Jumps of each viewer after the play. */
  readonly seeks: number
  /** So many of the first viewers leave when half of the play is over. */
  readonly leave: number
  readonly hasLiar: boolean
  readonly hasGateway: boolean
  readonly hasRealAddresses: boolean
  readonly seed: number
  readonly isQuiet: boolean
  /** Where the pages' pictures and the programs' logs go, if anywhere. */
  readonly keepIn: string | undefined
}

export interface FilmPlan {
  readonly sizeMb: number
  readonly mbit: number
  readonly framesPerSecond: number
  /** Easy to decode: its picture is simple, and its rate is made up with filler (H.264's NAL units of type 12). */
  readonly isLight: boolean
}

const OPTIONS = {
  viewers: { type: 'string', default: '4' },
  browsers: { type: 'string' },
  gap: { type: 'string', default: '20' },
  seconds: { type: 'string', default: '180' },
  'size-mb': { type: 'string', default: '1000' },
  mbit: { type: 'string', default: '5' },
  light: { type: 'boolean', default: false },
  fps: { type: 'string', default: '25' },
  'server-mbit': { type: 'string', default: '40' },
  'lan-mbit': { type: 'string', default: '100' },
  sites: { type: 'string', default: '1' },
  'wan-mbit': { type: 'string', default: '1000' },
  starts: { type: 'string', default: '5' },
  seeks: { type: 'string', default: '3' },
  leave: { type: 'string', default: '0' },
  liar: { type: 'boolean', default: false },
  'without-gateway': { type: 'boolean', default: false },
  'real-addresses': { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  keep: { type: 'string' },
} as const

/** The network of a run has room for so many; the machine that runs them has not. */
const VIEWERS_MAX = 60
const SITES_MAX = 20
const SECONDS_MAX = 36_000

/** @throws RangeError for what cannot be. */
export function readWatchOptions(args: readonly string[]): WatchOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS })
  const count = (name: 'viewers' | 'sites' | 'starts' | 'seeks' | 'leave' | 'gap', most: number): number =>
    whole(name, values[name], most)
  const number = (
    name: 'seconds' | 'size-mb' | 'mbit' | 'fps' | 'server-mbit' | 'lan-mbit' | 'wan-mbit',
  ): number => positive(name, values[name])
  const options: WatchOptions = {
    viewers: count('viewers', VIEWERS_MAX),
    browsers: whole('browsers', values.browsers ?? values.viewers, VIEWERS_MAX),
    gapSeconds: count('gap', SECONDS_MAX),
    seconds: number('seconds'),
    film: {
      sizeMb: number('size-mb'),
      mbit: number('mbit'),
      framesPerSecond: number('fps'),
      isLight: values.light,
    },
    serverMbit: number('server-mbit'),
    lanMbit: number('lan-mbit'),
    sites: count('sites', SITES_MAX),
    wanMbit: number('wan-mbit'),
    starts: count('starts', 100),
    seeks: count('seeks', 100),
    leave: count('leave', VIEWERS_MAX),
    hasLiar: values.liar,
    hasGateway: !values['without-gateway'],
    hasRealAddresses: values['real-addresses'],
    seed: whole('seed', values.seed, 2 ** 31),
    isQuiet: values.json,
    keepIn: values.keep,
  }
  const { viewers, browsers, sites, leave, gapSeconds, seconds } = options
  if (viewers === 0) throw new RangeError('--viewers 0: nobody watches')
  if (browsers === 0 || browsers > viewers)
    throw new RangeError(`--browsers ${browsers}: want 1 to ${viewers}`)
  if (sites === 0 || sites > browsers) throw new RangeError(`--sites ${sites}: want 1 to ${browsers}`)
  if (leave >= viewers) throw new RangeError(`--leave ${leave}: somebody has to stay`)
  const shown = gapSeconds * (viewers - 1) + seconds
  if (shown > filmSeconds(options.film))
    throw new RangeError(`the first viewer watches ${shown} s, the film has ${filmSeconds(options.film)}`)
  return options
}

/** How long it is. */
export const filmSeconds = ({ sizeMb, mbit }: FilmPlan): number => Math.round((sizeMb * 8) / mbit)
