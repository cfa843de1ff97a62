/**
 * A part of the leases: an open-addressing table in typed arrays. Entries of one address stand in one run, so a
 * look-up reads on until the first free slot; removing closes the gap, so that no run is ever broken.
 */

/** 64 bits of hash, in two halves. */
export interface LeaseKey {
  readonly low: number
  readonly high: number
}

export interface LeaseEntry {
  /** 1..65535. */
  readonly port: number
  readonly isOurs: boolean
  /** Reading of the clock in whole seconds; over when it is reached. */
  readonly end: number
}

const SLOTS_MIN = 16
/** Beyond this share of slots in use runs become long. */
const LOAD_MAX = 0.75

export class LeaseShard {
  #mask = SLOTS_MIN - 1
  #lows = new Uint32Array(SLOTS_MIN)
  #highs = new Uint32Array(SLOTS_MIN)
  #ends = new Uint32Array(SLOTS_MIN)
  /** 0: the slot is free. */
  #ports = new Uint16Array(SLOTS_MIN)
  #ours = new Uint8Array(SLOTS_MIN)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Replaces the entry of the same port. */
  put(key: LeaseKey, entry: LeaseEntry): void {
    let slot = this.#find(key, entry.port)
    if (this.#port(slot) === 0) {
      if (this.#size + 1 > LOAD_MAX * (this.#mask + 1)) {
        this.#rebuild(2 * (this.#mask + 1), 0)
        slot = this.#find(key, entry.port)
      }
      this.#size++
    }
    this.#lows[slot] = key.low
    this.#highs[slot] = key.high
    this.#ends[slot] = entry.end
    this.#ports[slot] = entry.port
    this.#ours[slot] = Number(entry.isOurs)
  }

  remove(key: LeaseKey, port: number): void {
    const slot = this.#find(key, port)
    if (this.#port(slot) === 0) return
    this.#size--
    this.#close(slot)
  }

  /** All entries under the key. */
  *at(key: LeaseKey): Generator<LeaseEntry> {
    for (let slot = key.low & this.#mask; this.#port(slot) !== 0; slot = (slot + 1) & this.#mask)
      if (this.#lows[slot] === key.low && this.#highs[slot] === key.high) yield this.#entry(slot)
  }

  /** Drops what ended at `now` or before, and gives back memory that it no longer needs. How many slots it looked at. */
  dropEnded(now: number): number {
    const looked = this.#mask + 1
    let live = 0
    for (let slot = 0; slot < looked; slot++)
      if (this.#port(slot) !== 0 && (this.#ends[slot] ?? 0) > now) live++
    const isSparse = looked > SLOTS_MIN && live < (LOAD_MAX / 8) * looked
    if (live === this.#size && !isSparse) return looked
    let slots = SLOTS_MIN
    while (live > (LOAD_MAX / 2) * slots) slots *= 2
    this.#rebuild(slots, now)
    return looked
  }

  /** Where the entry is, or the free slot where it would be. */
  #find(key: LeaseKey, port: number): number {
    let slot = key.low & this.#mask
    for (; this.#port(slot) !== 0; slot = (slot + 1) & this.#mask)
      if (this.#lows[slot] === key.low && this.#highs[slot] === key.high && this.#port(slot) === port) break
    return slot
  }

  #port(slot: number): number {
    return this.#ports[slot] ?? 0
  }

  #entry(slot: number): LeaseEntry {
    return { port: this.#port(slot), isOurs: this.#ours[slot] === 1, end: this.#ends[slot] ?? 0 }
  }

  /** Frees the slot; what stands behind it in the run moves up where its place allows it. */
  #close(slot: number): void {
    let free = slot
    for (let next = (slot + 1) & this.#mask; this.#port(next) !== 0; next = (next + 1) & this.#mask) {
      const home = (this.#lows[next] ?? 0) & this.#mask
      const isReachable = ((next - home) & this.#mask) >= ((next - free) & this.#mask)
      if (!isReachable) continue
      this.#lows[free] = this.#lows[next] ?? 0
      this.#highs[free] = this.#highs[next] ?? 0
      this.#ends[free] = this.#ends[next] ?? 0
      this.#ports[free] = this.#port(next)
      this.#ours[free] = this.#ours[next] ?? 0
      free = next
    }
    this.#ports[free] = 0
  }

  /** With so many slots, and without what ended at `now` or before. */
  #rebuild(slots: number, now: number): void {
    const [lows, highs, ends, ports, ours] = [this.#lows, this.#highs, this.#ends, this.#ports, this.#ours]
    this.#mask = slots - 1
    this.#lows = new Uint32Array(slots)
    this.#highs = new Uint32Array(slots)
    this.#ends = new Uint32Array(slots)
    this.#ports = new Uint16Array(slots)
    this.#ours = new Uint8Array(slots)
    this.#size = 0
    for (let slot = 0; slot < ports.length; slot++) {
      const [port = 0, end = 0] = [ports[slot], ends[slot]]
      if (port === 0 || end <= now) continue
      const key = { low: lows[slot] ?? 0, high: highs[slot] ?? 0 }
      this.put(key, { port, isOurs: ours[slot] === 1, end })
    }
  }
}
