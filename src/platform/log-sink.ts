/**
 * Where log lines go: a descriptor, written to in order and off the event loop. Nothing that the system answers
 * stops the process or holds it up, at its end neither: what a full disk or a closed pipe refuses is lost, and
 * the next line that gets through is preceded by one that counts them. (The usual destination of pino throws
 * when the disk is full, and then waits for room for ever while the process wants to end.)
 */
import { mkdirSync, openSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { MiB } from '../core/units.ts'
import { systemCode } from '../core/errors.ts'

export interface LogSink {
  /** A line, with its newline. Never throws. */
  write(line: string): void
}

/** Lines that wait for a slow reader; more are lost. */
const WAITING_BYTES_MAX = 8 * MiB
/** A pipe whose reader is behind takes nothing for a moment. */
const PIPE_FULL_PAUSE_MS = 50

/** Lines handed to the system at once. */
const LINES_AT_ONCE = 1_000

const open = new Set<DescriptorSink>()
process.on('exit', () => {
  for (const sink of open) sink.flush()
})

/** `destination`: a file, appended to; without it standard error. */
export function openLogSink(destination?: string): LogSink {
  if (destination !== undefined) mkdirSync(dirname(destination), { recursive: true })
  const sink = new DescriptorSink(destination === undefined ? 2 : openSync(destination, 'a', 0o600))
  open.add(sink)
  return sink
}

class DescriptorSink implements LogSink {
  readonly #fd: number
  #waiting: string[] = []
  #waitingBytes = 0
  /** What the system is being given; undefined while nothing is under way. */
  #underWay: { readonly bytes: Buffer; readonly lines: number } | undefined
  #lost = 0
  /** The last thing written is half a line. */
  #isTorn = false

  constructor(fd: number) {
    this.#fd = fd
  }

  write(line: string): void {
    if (this.#waitingBytes + line.length > WAITING_BYTES_MAX) {
      this.#lost++
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    if (this.#underWay === undefined) this.#next()
  }

  /** The process ends: what is left goes out now, or never. What is under way was given to the system before. */
  flush(): void {
    const rest = Buffer.from(this.#waiting.join(''))
    this.#waiting = []
    try {
      for (let at = 0; at < rest.length;) at += writeSync(this.#fd, rest, at)
    } catch {
      // Nobody is left to tell.
    }
  }

  #next(): void {
    const lines = this.#waiting.splice(0, LINES_AT_ONCE)
    if (lines.length === 0) {
      this.#underWay = undefined
      return
    }
    for (const line of lines) this.#waitingBytes -= line.length
    const head = (this.#isTorn ? '\n' : '') + (this.#lost === 0 ? '' : lostLine(this.#lost))
    this.#underWay = { bytes: Buffer.from(head + lines.join('')), lines: lines.length }
    this.#give(0)
  }

  #give(at: number): void {
    const { bytes = Buffer.alloc(0), lines = 0 } = this.#underWay ?? {}
    write(this.#fd, bytes, at, (error, written) => {
      if (systemCode(error) === 'EAGAIN') {
        setTimeout(() => this.#give(at), PIPE_FULL_PAUSE_MS).unref()
      } else if (error !== null) {
        this.#lost += lines
        this.#isTorn ||= at > 0
        this.#next()
      } else if (at + written < bytes.length) {
        this.#give(at + written)
      } else {
        this.#lost = 0
        this.#isTorn = false
        this.#next()
      }
    })
  }
}

function lostLine(lost: number): string {
  const time = new Date().toISOString()
  const msg = 'lines of the log were lost: the disk was full, or nobody read them'
  return `${JSON.stringify({ level: 40, time, lost, msg })}\n`
}
