/** With whom payload was exchanged since somebody last took note: what reports of transfers are made of. */
import type { IpAddress } from '../core/address.ts'
import type { EndTraffic, PeerSource } from './engine-types.ts'

/** Addresses between two notes: all that a torrent knows. Where nobody takes note, others are counted no more. */
const ENDS_MAX = 1_000

interface Entry {
  receivedBytes: number
  sentBytes: number
}

export class TrafficLedger {
  #ends = new Map<IpAddress, Partial<Record<PeerSource, Entry>>>()

  /** Verified and kept. */
  received(at: IpAddress, from: PeerSource, bytes: number): void {
    const entry = this.#entry(at, from)
    if (entry !== undefined) entry.receivedBytes += bytes
  }

  sent(at: IpAddress, to: PeerSource, bytes: number): void {
    const entry = this.#entry(at, to)
    if (entry !== undefined) entry.sentBytes += bytes
  }

  /** All since the last time; nothing of it is told again. */
  take(): readonly EndTraffic[] {
    const taken = this.#ends
    if (taken.size === 0) return NONE // an origin asks ten thousand torrents, most of which nobody fetches
    this.#ends = new Map()
    const ends: EndTraffic[] = []
    for (const [at, bySource] of taken)
      for (const from of SOURCES) {
        const entry = bySource[from]
        if (entry !== undefined) ends.push({ at, from, ...entry })
      }
    return ends
  }

  #entry(at: IpAddress, source: PeerSource): Entry | undefined {
    let bySource = this.#ends.get(at)
    if (bySource === undefined) {
      if (this.#ends.size >= ENDS_MAX) return undefined
      bySource = {}
      this.#ends.set(at, bySource)
    }
    return (bySource[source] ??= { receivedBytes: 0, sentBytes: 0 })
  }
}

const NONE: readonly EndTraffic[] = []
const SOURCES: readonly PeerSource[] = ['site', 'otherSites', 'origin']
