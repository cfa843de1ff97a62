/** A `shoal` service as a process of its own, and what the system says of it. Linux. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cpuSecondsOf, residentBytesOf } from './usage.ts'

const ROOT = join(import.meta.dirname, '../..')

export class ShoalProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly pid: number
  /** The line of `--json` that says that it is ready. */
  readonly ready: Readonly<Record<string, unknown>>

  private constructor(child: ChildProcess, pid: number, ready: Readonly<Record<string, unknown>>) {
    this.#child = child
    this.pid = pid
    this.ready = ready
  }

  /** `nodeArgs`: for a profile, say. Resolves when it says that it is ready. */
  static async start(
    args: readonly string[],
    options: {
      readonly env?: Readonly<Record<string, string>>
      readonly nodeArgs?: readonly string[]
    } = {},
  ): Promise<ShoalProcess> {
    const { env = {}, nodeArgs = [] } = options
    const child = spawn(process.execPath, [...nodeArgs, join(ROOT, 'src/cli/main.ts'), '--json', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, '.cache/compile'), ...env },
    })
    for await (const line of createInterface(child.stdout)) {
      const event = JSON.parse(line) as Record<string, unknown>
      if (event['event'] !== 'ready') continue
      child.stdout.resume()
      return new ShoalProcess(child, child.pid ?? 0, event)
    }
    throw new Error(`shoal ${args.join(' ')} did not start`)
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid)
  }

  rssBytes(): number {
    return residentBytesOf(this.pid)
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    await ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop('SIGTERM')
  }
}

/** Prometheus text: each figure without labels by its name. */
export function figuresOf(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]))
}
