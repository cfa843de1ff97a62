/**
 * Child processes of tests: every one is ended by its id when its owner is disposed of, at the latest when the
 * test process exits; what they printed is kept, so that a failure can show it.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'

export interface ChildOptions {
  readonly argv: readonly string[]
  readonly cwd?: string
  /** Added to the environment of the test process; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Standard output and error are also written here. */
  readonly logFile?: string
  /** How long it may take to end after SIGTERM before it is killed. */
  readonly graceMs?: number
}

export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const alive = new Set<Child>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** A running program. Disposing of it sends SIGTERM, then SIGKILL, and waits for its end. */
export class Child implements AsyncDisposable {
  /** Standard output so far, by line. */
  readonly lines: string[] = []
  /** Standard error so far, by line. */
  readonly errors: string[] = []
  /** Resolves when the process has ended and all it printed was read; rejects when it could not be started. */
  readonly exited: Promise<ExitStatus>
  readonly #argv: readonly string[]
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #watchers = new Set<() => void>()
  readonly #graceMs: number
  #status: ExitStatus | undefined

  constructor(options: ChildOptions) {
    const [program = '', ...args] = options.argv
    this.#argv = options.argv
    this.#graceMs = options.graceMs ?? 8_000
    const env = Object.entries({ ...process.env, ...options.env }).filter(([, value]) => value !== undefined)
    this.#process = spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: Object.fromEntries(env),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a' })
    this.#keep(this.#process.stdout, this.lines, log)
    this.#keep(this.#process.stderr, this.errors, log)
    this.#process.stdin.on('error', () => undefined) // it ended while we were writing: its exit tells
    alive.add(this)
    this.exited = new Promise<ExitStatus>((resolve, reject) => {
      this.#process.once('error', reject)
      this.#process.once('close', (code, signal) => resolve({ code, signal }))
    }).finally(() => {
      alive.delete(this)
      log?.end()
    })
    this.exited.then(
      (status) => {
        this.#status = status
        this.#wake()
      },
      () => this.#wake(),
    )
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  get hasExited(): boolean {
    return this.#status !== undefined
  }

  /** To standard input. */
  write(text: string): void {
    this.#process.stdin.write(text)
  }

  endInput(): void {
    this.#process.stdin.end()
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /**
   * What `pick` makes of the first line of standard output that it makes anything of, past lines included.
   * Rejects, with what was printed, when the process ends or the signal is aborted before.
   */
  async untilLine<T>(pick: (line: string) => T | undefined, signal?: AbortSignal): Promise<T> {
    for (let next = 0; ;) {
      while (next < this.lines.length) {
        const picked = pick(this.lines[next++] ?? '')
        if (picked !== undefined) return picked
      }
      if (this.#status !== undefined)
        throw new Error(`ended before it said what was awaited\n${this.transcript()}`)
      await this.#change(signal)
    }
  }

  /** The command and the end of what it printed. */
  transcript(): string {
    const last = (lines: readonly string[]): string => lines.slice(-60).join('\n')
    const status = this.#status === undefined ? 'running' : `ended ${JSON.stringify(this.#status)}`
    return `$ ${this.#argv.join(' ')}\n[${status}]\n${last(this.lines)}\n--- stderr\n${last(this.errors)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#status !== undefined) return
    const abort = new AbortController()
    this.kill('SIGTERM')
    const hardEnd = wait(this.#graceMs, undefined, { signal: abort.signal }).then(
      () => this.kill('SIGKILL'),
      () => undefined,
    )
    await this.exited.catch(() => undefined)
    abort.abort()
    await hardEnd
  }

  #keep(stream: Readable, lines: string[], log: WriteStream | undefined): void {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      lines.push(line)
      log?.write(`${line}\n`)
      this.#wake()
    })
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#watchers.delete(done)
        signal?.removeEventListener('abort', done)
        if (signal?.aborted === true) reject(new Error(`not said in time\n${this.transcript()}`))
        else resolve()
      }
      this.#watchers.add(done)
      signal?.addEventListener('abort', done, { once: true })
      if (signal?.aborted === true || this.#status !== undefined) done()
    })
  }
}

export interface Finished extends ExitStatus {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, whatever its exit code; ends it when the signal is aborted. */
export async function run(
  options: ChildOptions & { readonly input?: string },
  signal?: AbortSignal,
): Promise<Finished> {
  await using child = new Child(options)
  const stop = (): void => child.kill('SIGKILL')
  signal?.addEventListener('abort', stop, { once: true })
  child.write(options.input ?? '')
  child.endInput()
  try {
    const status = await child.exited
    return { ...status, stdout: child.lines.join('\n'), stderr: child.errors.join('\n') }
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** As {@link run}; throws, with what it printed, unless the exit code is 0. Gives its standard output. */
export async function runOk(argv: readonly string[], signal?: AbortSignal): Promise<string> {
  const ended = await run({ argv }, signal)
  if (ended.code === 0) return ended.stdout
  throw new Error(`$ ${argv.join(' ')}\nexit ${String(ended.code)}\n${ended.stdout}\n${ended.stderr}`)
}

/**
 * What `look` gives as soon as it gives something; asked again every 200 ms until the signal is aborted, then
 * rejects with `what` and the last error that `look` threw.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  signal: AbortSignal,
): Promise<T> {
  let lastError: unknown
  while (!signal.aborted) {
    try {
      const seen = await look()
      if (seen !== undefined) return seen
    } catch (error) {
      lastError = error
    }
    await wait(200, undefined, { signal }).catch(() => undefined)
  }
  throw new Error(`waited in vain for: ${what}`, { cause: lastError })
}
