/**
 * Two machines with a line between them that delays and loses packets, each in a network namespace of its own. This
 * kernel has no netem: `lossy_relay.py` passes the packets on. Needs root, iproute2 and /dev/net/tun.
 */
import {
  addNamespace,
  freshLabName,
  hostIn,
  removeNamespace,
  type Host,
} from '../../test/support/namespaces.ts'
import { Child, runOk } from '../../test/support/processes.ts'

const RELAY = ['/usr/bin/python3', new URL('./lossy_relay.py', import.meta.url).pathname]
/** Of two networks: to us they are two sites. */
const ADDRESSES = ['10.80.1.1', '10.80.2.1'] as const

export interface LineOptions {
  /** One way, half of the round trip. */
  readonly delayMs: number
  /** In 0..1: of the packets, each way. */
  readonly loss: number
  /** Each way; 0: as fast as the machine can. */
  readonly mbit: number
  readonly seed: number
  /** As the kernel names it (`net.ipv4.tcp_available_congestion_control`). */
  readonly congestion: string
}

/** Packets, each way. */
export interface LineCounts {
  readonly passed: number
  /** By chance. */
  readonly lost: number
  /** The queue was full. */
  readonly dropped: number
}

/** End what runs at its ends before it is disposed of. */
export class LossyLine implements AsyncDisposable {
  readonly ends: readonly [Host, Host]
  readonly #namespaces: readonly string[]
  readonly #relay: Child

  private constructor(ends: readonly [Host, Host], namespaces: readonly string[], relay: Child) {
    this.ends = ends
    this.#namespaces = namespaces
    this.#relay = relay
  }

  static async create(options: LineOptions): Promise<LossyLine> {
    await using stack = new AsyncDisposableStack()
    const name = freshLabName()
    const [near, far, between] = [`${name}-near`, `${name}-far`, `${name}-line`] as const
    const namespaces = [near, far, between]
    for (const namespace of namespaces) {
      await addNamespace(namespace)
      stack.defer(() => removeNamespace(namespace))
    }
    const { delayMs, loss, mbit, seed } = options
    const figures = [delayMs, loss, mbit, seed].map(String)
    const argv = ['ip', 'netns', 'exec', between, ...RELAY, near, far, ...figures]
    const relay = stack.use(new Child({ argv }))
    await relay.untilLine((line) => line === 'ready' || undefined)
    const ends = [hostIn(near, 'near', ADDRESSES[0]), hostIn(far, 'far', ADDRESSES[1])] as const
    for (const [i, namespace] of [near, far].entries()) await plug(namespace, i, options.congestion)
    stack.move()
    return new LossyLine(ends, namespaces, relay)
  }

  /** Ends the line; what passed from the first end to the second, and the other way. */
  async stop(): Promise<readonly LineCounts[]> {
    await this.#relay[Symbol.asyncDispose]()
    return JSON.parse(this.#relay.lines.at(-1) ?? '') as readonly LineCounts[]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]()
    for (const namespace of this.#namespaces) await removeNamespace(namespace)
  }
}

async function plug(namespace: string, end: number, congestion: string): Promise<void> {
  const ip = ['ip', '-n', namespace]
  await runOk([...ip, 'link', 'set', 'lo', 'up'])
  await runOk([...ip, 'address', 'add', `${ADDRESSES[end] ?? ''}/32`, 'dev', 'line'])
  const other = ADDRESSES[1 - end] ?? ''
  await runOk([
    ...ip,
    'route',
    'add',
    other,
    'dev',
    'line',
    'src',
    ADDRESSES[end] ?? '',
    'congctl',
    congestion,
  ])
}
