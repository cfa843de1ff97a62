/** A `shoal up` as a user starts it, by its launcher, whose events are heard and whose costs are looked at. Linux. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { rounded } from './http-load.ts'

const launcher = new URL('../../shoal', import.meta.url).pathname
const TICKS_A_SECOND = 100

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

  async cost(): Promise<UpCost> {
    const pid = this.#process.pid ?? 0
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ')
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return {
      seconds: rounded((performance.now() - this.#startedAt) / 1_000, 2),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
      rssMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024),
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
