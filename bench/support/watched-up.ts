/** A `shoal up` as a user starts it, by its launcher, whose events are heard and whose costs are looked at. Linux. */
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { MiB } from '../../src/core/units.ts'
import { rounded } from './http-load.ts'
import { cpuSecondsOf, residentBytesOf } from './usage.ts'

const launcher = new URL('../../shoal', import.meta.url).pathname

export interface UpReady {
  readonly portal: string
  readonly peerPort: number
}

export interface UpCost {
  /** Since it was started. */
  readonly seconds: number
  readonly cpuSeconds: number
  readonly rssMiB: number
}

/** Its data and its library are in `folder`. */
export class WatchedUp implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #startedAt = performance.now()
  /** @throws Error when it ends before. */
  readonly ready: Promise<UpReady>
  readonly #ended: Promise<unknown>
  /** Releases that its log says it published. */
  published = 0

  constructor(folder: string, env: Readonly<Record<string, string>> = {}) {
    const library = ['--library', join(folder, 'library'), '--data', join(folder, 'data')]
    const args = ['up', ...library, '--listen', '127.0.0.1:0', '--peer-port', '0', '--json']
    this.#process = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnv(env) })
    const { stdout, stderr } = this.#process
    if (stdout === null || stderr === null) throw new TypeError('no pipe')
    this.#ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: stdout }).on('line', (line) => {
        const event = JSON.parse(line) as UpReady & { readonly event: string }
        if (event.event === 'ready') resolve(event)
      })
      this.#process.once('exit', (code) => reject(new Error(`shoal up ended with ${String(code)}`)))
    })
    createInterface({ input: stderr }).on('line', (line) => {
      if (line.includes('"msg":"published"')) this.published++
      else if (!line.includes('"level":30') && !line.includes('"info"')) process.stderr.write(`${line}\n`)
    })
  }

  cost(): UpCost {
    const pid = this.#process.pid ?? 0
    return {
      seconds: rounded((performance.now() - this.#startedAt) / 1_000, 2),
      cpuSeconds: cpuSecondsOf(pid),
      rssMiB: Math.round(residentBytesOf(pid) / MiB),
    }
  }

  /** How long it took to stop, in seconds. */
  async stop(): Promise<number> {
    const askedAt = performance.now()
    this.#process.kill('SIGTERM')
    await this.#ended
    return rounded((performance.now() - askedAt) / 1_000, 2)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Nothing of the developer's own Shoal may leak in. */
function cleanEnv(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('SHOAL_'))
  return { ...Object.fromEntries(env), ...more }
}
