/** A process in which mutants are tried, seen from the pool. */
import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Load, Told, Try } from './messages.ts'

const CHILD = join(import.meta.dirname, 'child.ts')
/** For one run of the tests, or for loading them: some mutants never end. */
const SILENCE_MS_MAX = 60_000
const STDERR_CHARS_KEPT = 2_000

/** Why there is no answer: the process ended by itself, or was ended since it said nothing for too long. */
export type Silence = 'hung' | 'crashed'
export type Run = Extract<Told, { kind: 'tried' }>

export class MutantProcess implements Disposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<'crashed'>
  #stderr = ''

  constructor() {
    this.#child = fork(CHILD, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_CHARS_KEPT)
    })
    this.#ended = new Promise((resolve) =>
      this.#child.once('exit', () => {
        resolve('crashed')
      }),
    )
  }

  /** What it last wrote to its standard error. */
  get stderr(): string {
    return this.#stderr
  }

  /** True once everything is loaded. */
  async load(load: Load): Promise<boolean> {
    const told = await this.#ask(load)
    return typeof told !== 'string'
  }

  async run(mutantOn: number): Promise<Run | Silence> {
    const told = await this.#ask({ mutantOn })
    return typeof told === 'string' || told.kind === 'tried' ? told : 'crashed'
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }

  async #ask(message: Load | Try): Promise<Told | Silence> {
    if (!this.#child.connected) return 'crashed'
    const told = new Promise<Told>((resolve) => this.#child.once('message', resolve as (m: unknown) => void))
    const { promise: late, resolve } = Promise.withResolvers<'hung'>()
    const timer = setTimeout(() => {
      resolve('hung')
    }, SILENCE_MS_MAX)
    this.#child.send(message, () => undefined) // a failure shows as the end of the process
    const answer = await Promise.race([told, this.#ended, late])
    clearTimeout(timer)
    return answer
  }
}
