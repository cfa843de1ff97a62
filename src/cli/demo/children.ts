/** `shoal` commands as processes of their own, heard through their `--json` events. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ShoalError } from '../../core/errors.ts'
import type { CliEvent } from '../output.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/** A running `shoal` command; disposal asks it to stop and waits until it has. */
export class ShoalChild implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #exit: Promise<number | null>
  readonly #waiting = new Map<string, (event: CliEvent) => void>()
  readonly #seen = new Map<string, CliEvent>()
  #errors = ''

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [MAIN, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#exit = new Promise((resolve) => {
      this.#child.once('exit', resolve)
    })
    if (this.#child.stdout === null || this.#child.stderr === null)
      throw new TypeError('the child has no pipes')
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as CliEvent
      this.#seen.set(event.event, event)
      this.#waiting.get(event.event)?.(event)
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000)
    })
  }

  /** The event of this name, now or when it comes. @throws ShoalError when the process ends before. */
  async event(name: string): Promise<CliEvent> {
    const seen = this.#seen.get(name)
    if (seen !== undefined) return seen
    const arrived = new Promise<CliEvent>((resolve) => this.#waiting.set(name, resolve))
    const ended = this.#exit.then((code): CliEvent => {
      const last = this.#seen.get(name)
      if (last !== undefined) return last
      throw new ShoalError(
        'unavailable',
        `a shoal process ended with ${code ?? 'a signal'}: ${this.#errors.trim().split('\n').at(-1) ?? ''}`,
      )
    })
    return await Promise.race([arrived, ended])
  }

  /** The last event of this name so far. */
  last(name: string): CliEvent | undefined {
    return this.#seen.get(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exit
  }
}
