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
/** A connection and the line of details below it: `bytes_received:N` is content, protocol and announces. */
const CONNECTION = /^\S+\s+\d+\s+\d+\s+(\S+:\d+)\s+(\S+):(\d+)/

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
      for (const line of stdout.split('\n')) this.#note(host.address, line)
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

  #note(to: string, line: string): void {
    const [, local, from, port] = CONNECTION.exec(line) ?? []
    const received = /bytes_received:(\d+)/.exec(line)?.[1]
    if (local === undefined || from === undefined || port === undefined || received === undefined) return
    this.#seen.set(`${local} ${from}:${port}`, { from, to, bytes: Number(received) })
  }
}
