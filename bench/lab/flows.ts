/**
 * Who sent to whom, for any client: what the kernels of the hosts say that their TCP connections have received.
 * Looked at now and then, so the last moments of a connection that ends between two looks are missing; the links'
 * own counters miss nothing.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Host } from '../../test/support/namespaces.ts'
import { run } from '../../test/support/processes.ts'

/** Often enough to see most of a connection's bytes, and seldom enough to cost a hundredth of a core. */
const LOOK_EVERY_MS = 2_000
const CONNECTION = /^\S+\s+\d+\s+\d+\s+(\S+:\d+)\s+(\S+):(\d+)/
const RECEIVED = /bytes_received:(\d+)/

/** Bytes received, by the receiver's address, then by the sender's. */
export type Flows = ReadonlyMap<string, ReadonlyMap<string, number>>

export class FlowWatch {
  readonly #hosts: readonly Host[]
  /** By both ends of a connection: the most that was seen. */
  readonly #seen = new Map<string, { from: string; to: string; bytes: number }>()

  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts
  }

  /** Looks until the signal is aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look()
      await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async look(): Promise<void> {
    for (const host of this.#hosts) {
      const { stdout } = await run({ argv: host.argv(['ss', '-tinOH', 'state', 'connected']) })
      for (const { ends, from, bytes } of connectionsIn(stdout))
        this.#seen.set(ends, { from, to: host.address, bytes })
    }
  }

  flows(): Flows {
    const flows = new Map<string, Map<string, number>>()
    for (const { from, to, bytes } of this.#seen.values()) {
      const senders = flows.get(to) ?? new Map<string, number>()
      senders.set(from, (senders.get(from) ?? 0) + bytes)
      flows.set(to, senders)
    }
    return flows
  }
}

/** What `ss -tinOH` prints: a line a connection. Those that have received nothing are not among them. */
export function* connectionsIn(text: string): Generator<{ ends: string; from: string; bytes: number }> {
  for (const line of text.split('\n')) {
    const [, local, from, port] = CONNECTION.exec(line) ?? []
    const received = RECEIVED.exec(line)?.[1]
    if (local === undefined || from === undefined || port === undefined || received === undefined) continue
    yield { ends: `${local} ${from}:${port}`, from, bytes: Number(received) }
  }
}
