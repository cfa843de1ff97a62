/** What can be asked of the lab on its command line. */
import { parseArgs } from 'node:util'
import { boundsOf } from './bounds.ts'
import { CLIENT_KINDS, type ClientKind } from './clients.ts'
import type { ContentPlan } from './content.ts'
import { drawPlan } from './draw.ts'
import { files, oneOf, positive, whole } from './option-readers.ts'
import { ORIGIN_KINDS, type OriginKind } from './origin.ts'
import { planOf } from './plan-options.ts'
import type { LabPlan } from './plan.ts'

const TRACKERS = ['shoal', 'opentracker'] as const
const BYTES_PER_MIB = 1_048_576
const SEED_MAX = 2 ** 31
/** Of the time that somebody may take, at least this, or that many times the lower bound. */
const TIMEOUT = { leastSeconds: 300, overBound: 3 } as const

export interface LabRun {
  /** Given to the hosts of a site in turn. */
  readonly clients: readonly ClientKind[]
  readonly origin: OriginKind
  readonly plan: LabPlan
  readonly content: ContentPlan
  /** What chance decided in the plan, and will decide in the run. */
  readonly seed: number
  /** The whole plan was drawn from the seed. */
  readonly isDrawn: boolean
  readonly timeoutSeconds: number
  readonly withFloor: boolean
  readonly svgFile: string | undefined
}

export interface LabOptions {
  /** One after the other. */
  readonly runs: readonly LabRun[]
  readonly isQuiet: boolean
  readonly areLogsWanted: boolean
}

const OPTIONS = {
  client: { type: 'string', default: 'shoal' },
  mix: { type: 'string' },
  tracker: { type: 'string', default: 'shoal' },
  origin: { type: 'string' },
  sites: { type: 'string', default: '3' },
  hosts: { type: 'string', default: '4' },
  'size-mib': { type: 'string', default: '64' },
  files: { type: 'string' },
  'wan-mbit': { type: 'string', default: '20' },
  'lan-mbit': { type: 'string', default: '100' },
  'origin-mbit': { type: 'string', default: '20' },
  'slow-hosts': { type: 'string' },
  closed: { type: 'string' },
  arrivals: { type: 'string' },
  late: { type: 'string' },
  kill: { type: 'string' },
  'origin-leaves': { type: 'string' },
  cut: { type: 'string', multiple: true },
  poisoners: { type: 'string', default: '0' },
  seed: { type: 'string', default: '1' },
  draw: { type: 'string' },
  topologies: { type: 'string', default: '1' },
  'timeout-s': { type: 'string' },
  floor: { type: 'boolean', default: false },
  svg: { type: 'string' },
  json: { type: 'boolean', default: false },
  transcripts: { type: 'boolean', default: false },
} as const
/** What a drawn topology leaves no choice about. */
const NOT_WITH_DRAW = [
  ...(['sites', 'hosts', 'slow-hosts', 'closed', 'arrivals', 'late', 'poisoners', 'cut', 'kill'] as const),
  'origin-leaves',
] as const satisfies readonly (keyof typeof OPTIONS)[]

/** @throws RangeError for what cannot be. */
export function readOptions(args: readonly string[]): LabOptions {
  const { values, tokens } = parseArgs({ args: [...args], options: OPTIONS, tokens: true })
  const clients = (values.mix ?? values.client)
    .split(':')
    .map((kind) => oneOf(values.mix === undefined ? 'client' : 'mix', kind, CLIENT_KINDS))
  const content =
    values.files === undefined
      ? { files: 1, fileBytes: whole('size-mib', values['size-mib'], 100_000) * BYTES_PER_MIB }
      : files(values.files)
  if (content.fileBytes === 0) throw new RangeError('--size-mib 0: there is nothing in it')
  const drawn = values.draw === undefined ? undefined : whole('draw', values.draw, SEED_MAX)
  const count = whole('topologies', values.topologies, 1_000)
  if (count > 1 && drawn === undefined) throw new RangeError('--topologies needs --draw SEED')
  if (count > 1 && values.svg !== undefined) throw new RangeError('--svg is of one run')
  const asked = new Set(tokens.map((token) => (token.kind === 'option' ? token.name : '')))
  const without = NOT_WITH_DRAW.find((name) => drawn !== undefined && asked.has(name))
  if (without !== undefined) throw new RangeError(`--${without} is not for topologies that are drawn`)
  const rates = (): { wanMbit: number; lanMbit: number; originMbit: number } => ({
    wanMbit: positive('wan-mbit', values['wan-mbit']),
    lanMbit: positive('lan-mbit', values['lan-mbit']),
    originMbit: positive('origin-mbit', values['origin-mbit']),
  })
  const sizeBytes = content.files * content.fileBytes
  const seed = drawn ?? whole('seed', values.seed, SEED_MAX)
  const runs = Array.from({ length: count }, (_, i): LabRun => {
    const plan =
      drawn === undefined
        ? planOf(values, clients, seed)
        : drawPlan(seed + i, { rates: rates(), sizeBytes, clients })
    return {
      clients,
      origin: originOf(values.tracker, values.origin, clients),
      plan,
      content,
      seed: seed + i,
      isDrawn: drawn !== undefined,
      timeoutSeconds: timeoutOf(values['timeout-s'], plan, sizeBytes),
      withFloor: values.floor,
      svgFile: values.svg,
    }
  })
  return { runs, isQuiet: values.json, areLogsWanted: values.transcripts }
}

function originOf(
  trackerText: string,
  originText: string | undefined,
  clients: readonly ClientKind[],
): OriginKind {
  const tracker = oneOf('tracker', trackerText, TRACKERS)
  const fallback = tracker === 'shoal' ? 'shoal' : (clients[0] ?? 'libtorrent')
  const origin = oneOf('origin', originText ?? fallback, ORIGIN_KINDS)
  if ((tracker === 'shoal') !== (origin === 'shoal'))
    throw new RangeError('--tracker shoal goes with --origin shoal, and opentracker with any other origin')
  if (clients.includes('shoal') && tracker !== 'shoal')
    throw new RangeError('--client shoal keeps to links of a portal: it needs --tracker shoal')
  return origin
}

function timeoutOf(text: string | undefined, plan: LabPlan, sizeBytes: number): number {
  if (text !== undefined) return positive('timeout-s', text)
  return Math.max(TIMEOUT.leastSeconds, Math.ceil(TIMEOUT.overBound * boundsOf(sizeBytes, plan).wholeSeconds))
}
