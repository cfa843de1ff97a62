/**
 * Keeps the child alive. It is begun anew whenever it ends, answers no ping, or takes too much memory: at once, unless
 * it has ended again and again. What it is to serve is said again to each new one, so that it comes back as it was.
 */
import { messageOf } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { millis, minutes, seconds, type Millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { LogRation } from './log-ration.ts'
import { type Alive, type Begin, type FromChild, type Serve, type ToChild, zFromChild } from './messages.ts'

/** A process that was begun. */
export interface ChildProcess {
  readonly pid?: number | undefined
  /** Harmless when it has ended. */
  send(message: ToChild): void
  /** At once, and surely. */
  kill(): void
}

/** `onMessage` hears what nobody has checked; `onExit` is called once, with how it ended. */
export type BeginChild = (on: {
  readonly onMessage: (message: unknown) => void
  readonly onExit: (how: string) => void
}) => ChildProcess

export interface SupervisorParts {
  readonly clock: Clock
  readonly log: Logger
  readonly beginChild: BeginChild
  readonly onAlive: (alive: Alive) => void
  /** Whoever was connected to it is not any more. */
  readonly onEnded: () => void
  /** It cannot serve this; the caller drops it. */
  readonly onFailed: (infoHash: InfoHash, reason: string) => void
  /** The tracker refuses its grant. */
  readonly onRefused: (infoHash: InfoHash, reason: string) => void
}

export interface SupervisorOptions {
  readonly begin: Omit<Begin, 'kind' | 'sites'>
  readonly memoryMax: number
}

const PING_EVERY = seconds(1)
/** A loop that stands still for so long is of no use to a player. */
const ANSWER_WITHIN = seconds(5)
/** Starting takes a second, and longer on a machine that is busy. */
const READY_WITHIN = seconds(20)
/** How long stopping may take. */
const STOP_WITHIN = seconds(3)
/** The first few ends of a run of them cost no wait to speak of; who lives for so long begins anew. */
const AT_ONCE = millis(100)
const ENDS_AT_ONCE = 3
const WAIT_MAX = seconds(30)
const LIVES_WELL = minutes(1)

export class Supervisor implements AsyncDisposable {
  /** Since the start. */
  restarts = 0
  readonly #parts: SupervisorParts
  readonly #options: SupervisorOptions
  readonly #served = new Map<InfoHash, Serve>()
  readonly #ticks: Timer
  readonly #logRation: LogRation
  #sites: Begin['sites'] = []
  #child: ChildProcess | undefined
  #begunAt: Millis
  #answeredAt: Millis
  #udpPort: number | undefined
  #n = 0
  /** In a row, each soon after its beginning. */
  #ends = 0
  #waiting: Timer | undefined
  #isStopping = false
  #onGone: (() => void) | undefined

  constructor(parts: SupervisorParts, options: SupervisorOptions) {
    this.#parts = parts
    this.#options = options
    this.#logRation = new LogRation(parts.clock)
    this.#begunAt = parts.clock.now()
    this.#answeredAt = this.#begunAt
    this.#ticks = parts.clock.every(PING_EVERY, () => this.#mind())
    this.#begin()
  }

  /** Undefined while there is none that is ready. */
  get udpPort(): number | undefined {
    return this.#udpPort
  }

  serve(release: Serve): void {
    this.#served.set(release.infohash as InfoHash, release)
    this.#child?.send(release)
  }

  renew(infohash: InfoHash, announceUrls: string[]): void {
    const before = this.#served.get(infohash)
    if (before === undefined) return
    this.#served.set(infohash, { ...before, announceUrls })
    this.#child?.send({ kind: 'grant', infohash, announceUrls })
  }

  drop(infohash: InfoHash): void {
    if (this.#served.delete(infohash)) this.#child?.send({ kind: 'drop', infohash })
  }

  setSites(sites: Begin['sites']): void {
    this.#sites = sites
    this.#child?.send({ kind: 'sites', sites })
  }

  /** The child says goodbye to its browsers, within a time. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#ticks.cancel()
    this.#waiting?.cancel()
    const child = this.#child
    if (child === undefined) return
    const gone = new Promise<void>((resolve) => (this.#onGone = resolve))
    child.send({ kind: 'ping', n: ++this.#n }) // what it sent since the last answer
    child.send({ kind: 'stop' })
    const timer = this.#parts.clock.after(STOP_WITHIN, () => child.kill())
    await gone
    timer.cancel()
  }

  #begin(): void {
    const { clock, log, beginChild } = this.#parts
    this.#waiting = undefined
    this.#begunAt = clock.now()
    this.#answeredAt = this.#begunAt
    let child: ChildProcess | undefined
    try {
      child = beginChild({
        onMessage: (message) => {
          if (this.#child === child) this.#hear(message)
        },
        onExit: (how) => {
          if (this.#child === child) this.#ended(how)
        },
      })
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'the gateway to browsers cannot be started')
      this.#ended('it could not be started')
      return
    }
    this.#child = child
    child.send({ kind: 'begin', ...this.#options.begin, sites: this.#sites })
    for (const release of this.#served.values()) child.send(release)
  }

  #hear(message: unknown): void {
    const heard = zFromChild.safeParse(message)
    if (!heard.success) {
      this.#kill('it said what it never says')
      return
    }
    this.#apply(heard.data)
  }

  #apply(message: FromChild): void {
    const { clock, log, onAlive, onFailed, onRefused } = this.#parts
    switch (message.kind) {
      case 'ready':
        this.#udpPort = message.udpPort
        this.#answeredAt = clock.now()
        log.info({ udpPort: message.udpPort }, 'the gateway to browsers is ready')
        break
      case 'alive':
        this.#answeredAt = clock.now()
        onAlive(message)
        if (message.rssBytes > this.#options.memoryMax) this.#kill('it takes too much memory')
        break
      case 'failed':
        onFailed(message.infohash, message.reason)
        break
      case 'refused':
        onRefused(message.infohash, message.reason)
        break
      case 'log':
        this.#write(message.level, message.text)
        break
    }
  }

  #write(level: Extract<FromChild, { kind: 'log' }>['level'], text: string): void {
    const { log } = this.#parts
    const { isAllowed, dropped } = this.#logRation.take()
    if (dropped > 0) log.warn({ dropped }, 'the gateway to browsers said more than is written down')
    if (isAllowed) log[level]({ role: 'gateway child' }, text)
  }

  #mind(): void {
    if (this.#child === undefined) return
    const { clock } = this.#parts
    // Before it is ready it may well answer: a port, or the engine, can hang beside a loop that turns.
    const isReady = this.#udpPort !== undefined
    const [since, patience] = isReady ? [this.#answeredAt, ANSWER_WITHIN] : [this.#begunAt, READY_WITHIN]
    if (clock.now() - since > patience) this.#kill(isReady ? 'it does not answer' : 'it does not get ready')
    else this.#child.send({ kind: 'ping', n: ++this.#n })
    if (this.#ends > 0 && clock.now() - this.#begunAt >= LIVES_WELL) this.#ends = 0
  }

  /** Its end is heard of by `onExit`. */
  #kill(why: string): void {
    this.#parts.log.warn({ why }, 'the gateway to browsers is ended, to be begun anew')
    this.#child?.kill()
  }

  #ended(how: string): void {
    const { clock, log } = this.#parts
    this.#child = undefined
    this.#udpPort = undefined
    this.#parts.onEnded()
    if (this.#isStopping) {
      this.#onGone?.()
      return
    }
    this.#ends++
    this.restarts++
    const wait = waitAfter(this.#ends)
    // Once in a run of them: a line for each would bury what else there is to read.
    if (this.#ends === 1) log.warn({ how }, 'the gateway to browsers ended; it is begun anew')
    else if (this.#ends === ENDS_AT_ONCE + 1)
      log.error({ how }, 'the gateway to browsers ends again and again; it is tried again, more rarely')
    this.#waiting = clock.after(wait, () => this.#begin())
  }
}

/** After so many ends in a row. Pure. */
export function waitAfter(ends: number): Millis {
  if (ends <= ENDS_AT_ONCE) return AT_ONCE
  return millis(Math.min(WAIT_MAX, seconds(1) * 2 ** Math.min(ends - ENDS_AT_ONCE - 1, 10)))
}
