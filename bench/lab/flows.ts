/**
 * Who sent to whom, for any client: what the kernels of the hosts say that their TCP connections have received, of
 * each when it ends and of those that are left at the end.
 */
import { once } from 'node:events'
import { startOn, type Host } from '../../test/support/namespaces.ts'
import { run } from '../../test/support/processes.ts'

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

  /** Until the signal is aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    await using stack = new AsyncDisposableStack()
    const watchers = this.#hosts.map((host) => {
      // By lines, or the last of them would be lost with it.
      const child = stack.use(startOn(host, { argv: ['stdbuf', '-oL', 'ss', '-tinOHE'] }))
      return { host, child }
    })
    if (!signal.aborted) await once(signal, 'abort')
    for (const host of this.#hosts) {
      const { stdout } = await run({ argv: host.argv(['ss', '-tinOH', 'state', 'connected']) })
      this.#keep(host, stdout)
    }
    for (const { host, child } of watchers) this.#keep(host, child.lines.join('\n'))
  }

  #keep(host: Host, text: string): void {
    for (const { ends, from, bytes } of connectionsIn(text)) {
      const before = this.#seen.get(ends)?.bytes ?? 0
      this.#seen.set(ends, { from, to: host.address, bytes: Math.max(before, bytes) })
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

/** What `ss -tinOH` prints, with `-E` as they end: a line a connection. Those that have received nothing are not among them. */
export function* connectionsIn(text: string): Generator<{ ends: string; from: string; bytes: number }> {
  for (const line of text.split('\n')) {
    const [, local, from, port] = CONNECTION.exec(line) ?? []
    const received = RECEIVED.exec(line)?.[1]
    if (local === undefined || from === undefined || port === undefined || received === undefined) continue
    yield { ends: `${local} ${from}:${port}`, from, bytes: Number(received) }
  }
}
