/** Our own command as a program: how the tests of the whole product run it and read its events. */
import { join } from 'node:path'
import { startOn, type Host } from './namespaces.ts'
import { Child, run, type ChildOptions, type Finished } from './processes.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'shoal')

export interface ShoalWhere {
  readonly dataDir: string
  /** The machine of a test network that it runs on; without it, this one. */
  readonly host?: Host
  readonly env?: ChildOptions['env']
  readonly logFile?: string
  /** Its priority on this machine, as `nice` has it: below 0 is sooner than others. */
  readonly niceness?: number
}

/** A line of `--json`. */
export type ShoalEvent = { readonly event: string } & Readonly<Record<string, unknown>>

export interface ShoalFinished extends Finished {
  readonly events: readonly ShoalEvent[]
}

/** Starts `shoal ARGS --json`; what it says is in the child's lines. */
export function startShoal(where: ShoalWhere, ...args: readonly string[]): Child {
  const options = optionsOf(where, [...args, '--json'])
  return where.host === undefined ? new Child(options) : startOn(where.host, options)
}

/** `shoal ARGS --json` to its end, whatever its exit code. */
export async function shoal(where: ShoalWhere, ...args: readonly string[]): Promise<ShoalFinished> {
  const options = optionsOf(where, [...args, '--json'])
  const argv = where.host?.argv(options.argv) ?? options.argv
  const ended = await run({ ...options, argv })
  return { ...ended, events: ended.stdout.split('\n').flatMap(parseEvent) }
}

/** As {@link shoal}; throws, with what it printed, unless it exits 0, and gives its last event named `event`. */
export async function shoalOk(
  where: ShoalWhere,
  event: string,
  ...args: readonly string[]
): Promise<ShoalEvent> {
  const ended = await shoal(where, ...args)
  const last = ended.events.findLast((e) => e.event === event)
  if (ended.code === 0 && last !== undefined) return last
  throw new Error(`shoal ${args.join(' ')}: exit ${String(ended.code)}\n${ended.stdout}\n${ended.stderr}`)
}

/** The first event of that name; rejects when the process ends or the signal is aborted before. */
export function untilEvent(child: Child, event: string, signal?: AbortSignal): Promise<ShoalEvent> {
  return child.untilLine((line) => parseEvent(line).find((e) => e.event === event), signal)
}

/** Every event so far. */
export function eventsOf(child: Child): ShoalEvent[] {
  return child.lines.flatMap(parseEvent)
}

function parseEvent(line: string): ShoalEvent[] {
  return line.startsWith('{') ? [JSON.parse(line) as ShoalEvent] : []
}

function optionsOf(where: ShoalWhere, args: readonly string[]): ChildOptions {
  const nice = where.niceness === undefined ? [] : ['nice', '-n', String(where.niceness)]
  return {
    argv: [...nice, LAUNCHER, ...args, '--data', where.dataDir],
    // Nothing of the developer's own Shoal may leak in.
    env: {
      SHOAL_DATA: undefined,
      SHOAL_PORTAL: undefined,
      SHOAL_TOKEN: undefined,
      SHOAL_TOKEN_FILE: undefined,
      SHOAL_CONFIG: undefined,
      ...where.env,
    },
    graceMs: 15_000,
    ...(where.logFile === undefined ? {} : { logFile: where.logFile }),
  }
}
