/** Clients of several sites that announce to one tracker on a manual clock, and the graph of who was told of whom. */
import type { AnnounceReply } from '../../src/wire/announce.ts'
import { NO_PACKED_PEERS } from '../../src/wire/packed-peers.ts'
import { pick, seededRandom, type Random } from '../../src/core/random.ts'
import type { SiteMap } from '../../src/core/site.ts'
import { hours, millis, minutes } from '../../src/core/units.ts'
import { AdmissionWorld, replyOf } from './admission-world.ts'
import { ip, randomPeerId, SWARM, unpacked } from './support.ts'

export interface Client {
  readonly host: string
  readonly site: number
  readonly isOurs: boolean
  isSeed: boolean
  /** Undefined: it leaves the number to the tracker. */
  readonly numWant: number | undefined
  /** When it announces next, of the manual clock. */
  dueAt: number
  /** Of its last reply. */
  told: readonly string[]
}

export const ORIGIN = '10.250.0.1'
/** libtorrent announces no more often. */
const FLOOR = minutes(5)

export const siteOfHost = (host: string): number => Number(host.split('.')[1])

export class IntroductionWorld {
  readonly world: AdmissionWorld
  readonly random: Random
  readonly clients = new Map<string, Client>()
  /** Pairs `a b`, a < b, of live machines one of which was told of the other. */
  readonly edges = new Set<string>()
  lastReply: AnnounceReply | undefined
  readonly #grant: string
  readonly #hostCounts = new Map<number, number>()

  private constructor(world: AdmissionWorld, grant: string, seed: number) {
    this.world = world
    this.#grant = grant
    this.random = seededRandom(seed)
  }

  static async open(options: {
    readonly seed?: number
    readonly hasOrigin?: boolean
    readonly sites?: () => SiteMap
  }): Promise<IntroductionWorld> {
    const world = await AdmissionWorld.open({ grantAddressHoldMs: '60000' }, options.sites)
    const { portal } = world
    const { token, claims } = await portal.grant(SWARM, hours(24 * 20))
    portal.tell({ kind: 'grant-peers', id: claims.id, peersMax: 100_000, until: portal.time(hours(24 * 20)) })
    if (options.hasOrigin === true)
      portal.tell({
        kind: 'serves',
        role: 'origin',
        host: ip(ORIGIN),
        port: 16_881,
        peerId: randomPeerId(),
        infohashes: [SWARM],
      })
    return new IntroductionWorld(world, token, options.seed ?? 1)
  }

  get now(): number {
    return this.world.portal.clock.now()
  }

  /** A new machine at `10.SITE.0.N` announces that it starts. */
  async arrive(
    site: number,
    over: Partial<Pick<Client, 'isOurs' | 'isSeed' | 'numWant'>> = {},
  ): Promise<Client> {
    const n = (this.#hostCounts.get(site) ?? 0) + 1
    this.#hostCounts.set(site, n)
    const { isOurs = false, isSeed = false, numWant } = over
    const host = `10.${site}.0.${n}`
    const client: Client = { host, site, isOurs, isSeed, numWant, dueAt: 0, told: [] }
    this.clients.set(host, client)
    await this.announce(client, 'started')
    return client
  }

  async announce(client: Client, event?: 'started' | 'completed'): Promise<readonly string[]> {
    const { host, isOurs, isSeed, numWant } = client
    const reply = replyOf(
      await this.world.announce(
        {
          grant: this.#grant,
          isOurs,
          leftBytes: isSeed ? 0 : 1,
          ...(numWant !== undefined && { numWant }),
          ...(event !== undefined && { event }),
        },
        host,
      ),
    )
    this.lastReply = reply
    client.told = [...reply.peers, ...unpacked(reply.packed ?? NO_PACKED_PEERS)].map((peer) => peer.host)
    client.dueAt = this.now + (isOurs ? reply.intervalMs : Math.max(reply.intervalMs, FLOOR))
    for (const other of client.told)
      if (other === ORIGIN || this.clients.has(other)) this.edges.add([host, other].toSorted().join(' '))
    return client.told
  }

  async stop(client: Client): Promise<void> {
    await this.world.announce({ grant: this.#grant, event: 'stopped' }, client.host)
    this.vanish(client)
  }

  /** Gone without a word. */
  vanish(client: Client): void {
    this.clients.delete(client.host)
    for (const edge of this.edges) if (edge.split(' ').includes(client.host)) this.edges.delete(edge)
  }

  /** Lets time pass; everybody announces when due. */
  async pass(span: number): Promise<void> {
    const end = this.now + span
    for (;;) {
      const [next] = [...this.clients.values()].toSorted((a, b) => a.dueAt - b.dueAt)
      if (next === undefined || next.dueAt > end) break
      this.world.portal.clock.advance(millis(Math.max(0, next.dueAt - this.now)))
      await this.announce(next)
    }
    this.world.portal.clock.advance(millis(end - this.now))
    this.world.core.sweep()
  }

  anyone(): Client | undefined {
    return pick([...this.clients.values()], this.random)
  }

  /** Everybody who is reached from `from`, over edges in both directions. */
  reachedFrom(from: string): ReadonlySet<string> {
    const next = new Map<string, string[]>()
    for (const edge of this.edges) {
      const [a = '', b = ''] = edge.split(' ')
      next.set(a, [...(next.get(a) ?? []), b])
      next.set(b, [...(next.get(b) ?? []), a])
    }
    const reached = new Set([from])
    for (const host of reached) for (const other of next.get(host) ?? []) reached.add(other)
    return reached
  }

  /** By pair of sites, the edges between stock clients of both. */
  stockLinks(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const edge of this.edges) {
      const [a, b] = edge.split(' ').map((host) => this.clients.get(host))
      if (a === undefined || b === undefined || a.isOurs || b.isOurs || a.site === b.site) continue
      const pair = [a.site, b.site].toSorted((x, y) => x - y).join('-')
      counts.set(pair, (counts.get(pair) ?? 0) + 1)
    }
    return counts
  }
}
