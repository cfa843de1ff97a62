/** What can be asked of the lab on its command line. */
import { parseArgs } from 'node:util'
import { CLIENT_KINDS, type ClientKind } from './clients.ts'
import { ORIGIN_KINDS, type OriginKind } from './origin.ts'
import type { Topology } from './topology.ts'

const TRACKERS = ['shoal', 'opentracker'] as const

export interface LabOptions {
  readonly client: ClientKind
  readonly origin: OriginKind
  readonly topology: Topology
  readonly sizeMiB: number
  readonly timeoutSeconds: number
  readonly withFloor: boolean
  readonly isQuiet: boolean
  readonly areLogsWanted: boolean
}

/** @throws RangeError for what cannot be. */
export function readOptions(args: readonly string[]): LabOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      client: { type: 'string', default: 'shoal' },
      tracker: { type: 'string', default: 'shoal' },
      origin: { type: 'string' },
      sites: { type: 'string', default: '3' },
      hosts: { type: 'string', default: '4' },
      'size-mib': { type: 'string', default: '64' },
      'wan-mbit': { type: 'string', default: '20' },
      'lan-mbit': { type: 'string', default: '100' },
      'origin-mbit': { type: 'string', default: '20' },
      'timeout-s': { type: 'string', default: '300' },
      floor: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      transcripts: { type: 'boolean', default: false },
    },
  })
  const client = oneOf('client', values.client, CLIENT_KINDS)
  const tracker = oneOf('tracker', values.tracker, TRACKERS)
  const origin = oneOf('origin', values.origin ?? (tracker === 'shoal' ? 'shoal' : client), ORIGIN_KINDS)
  if ((tracker === 'shoal') !== (origin === 'shoal'))
    throw new RangeError('--tracker shoal goes with --origin shoal, and opentracker with any other origin')
  if (client === 'shoal' && tracker !== 'shoal')
    throw new RangeError('--client shoal keeps to links of a portal: it needs --tracker shoal')
  return {
    client,
    origin,
    topology: {
      hostsPerSite: hostsPerSite(values.sites, values.hosts),
      wanMbit: positive('wan-mbit', values['wan-mbit']),
      lanMbit: positive('lan-mbit', values['lan-mbit']),
      originMbit: positive('origin-mbit', values['origin-mbit']),
    },
    sizeMiB: whole('size-mib', values['size-mib'], 100_000),
    timeoutSeconds: positive('timeout-s', values['timeout-s']),
    withFloor: values.floor,
    isQuiet: values.json,
    areLogsWanted: values.transcripts,
  }
}

/** `--hosts 4`, or a number for each site: `--hosts 1,2,8`. */
function hostsPerSite(sites: string, hosts: string): readonly number[] {
  const counts = hosts.split(',').map((text) => whole('hosts', text, 250))
  if (counts.length > 1) return counts
  return Array.from({ length: whole('sites', sites, 250) }, () => counts[0] ?? 0)
}

function oneOf<T extends string>(name: string, value: string, among: readonly T[]): T {
  const found = among.find((each) => each === value)
  if (found === undefined) throw new RangeError(`--${name} ${value}: want one of ${among.join(', ')}`)
  return found
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`--${name} ${text}: want a number above 0`)
  return value
}

function whole(name: string, text: string, most: number): number {
  const value = positive(name, text)
  if (!Number.isInteger(value) || value > most)
    throw new RangeError(`--${name} ${text}: want a whole number to ${most}`)
  return value
}
