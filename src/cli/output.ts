/**
 * Where a command says things. With `--json` standard output carries newline-delimited events and nothing
 * else; without, it carries the result as text. Progress, notes and failures go to standard error.
 */
import { createRequire } from 'node:module'
import { styleText } from 'node:util'
import type * as CliProgress from 'cli-progress'
import { withoutSecrets } from '../platform/secrets.ts'
import { forTerminal } from './text.ts'

/** An event of `docs/cli.md`: its name, then what it says. */
export interface CliEvent {
  readonly event: string
  readonly [key: string]: unknown
}

export interface OutputOptions {
  readonly json: boolean
  readonly stdout?: NodeJS.WritableStream
  readonly stderr?: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

export class Output {
  readonly json: boolean
  readonly #stdout: NodeJS.WritableStream
  readonly #stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  #bar: CliProgress.SingleBar | undefined

  constructor(options: OutputOptions) {
    this.json = options.json
    this.#stdout = options.stdout ?? process.stdout
    this.#stderr = options.stderr ?? process.stderr
  }

  /** True when a person watches standard error. */
  get isInteractive(): boolean {
    return this.#stderr.isTTY === true
  }

  /** A line of JSON, only with `--json`. */
  event(event: CliEvent): void {
    if (this.json) this.#stdout.write(`${JSON.stringify(event)}\n`)
  }

  /** A line of the result, only without `--json`. */
  line(text: string): void {
    if (!this.json) this.#stdout.write(`${forTerminal(text)}\n`)
  }

  /** A remark for the person, on standard error; never with `--json`. */
  note(text: string): void {
    if (this.json) return
    this.clearBar()
    this.#stderr.write(`${remark(text)}\n`)
  }

  /** Something is wrong, but it goes on. On standard error, always. */
  warn(text: string): void {
    this.clearBar()
    this.#stderr.write(`${styleText('yellow', 'note:', { stream: this.#stderr })} ${remark(text)}\n`)
  }

  /** Why the command ends badly; `details` only with `--verbose`. */
  failure(sentence: string, details?: string): void {
    this.clearBar()
    this.#stderr.write(`${styleText('red', 'shoal:', { stream: this.#stderr })} ${remark(sentence)}\n`)
    if (details !== undefined) this.#stderr.write(`${withoutSecrets(details)}\n`)
  }

  /** One calm line that is redrawn, on a terminal only. `fraction` in 0..1. */
  bar(fraction: number, text: string): void {
    if (this.json || !this.isInteractive) return
    this.#bar ??= startBar(this.#stderr)
    this.#bar.update(Math.round(fraction * 1_000), { text, percent: `${Math.floor(fraction * 100)}` })
  }

  /** Takes the line away, so that what comes next stands alone. */
  clearBar(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }
}

/** What is said beside the result holds no secret, whoever wrote it. */
const remark = (text: string): string => forTerminal(withoutSecrets(text))

const require = createRequire(import.meta.url)

/** Loaded with the first bar: most commands draw none, and pay for what is imported above. */
function startBar(stream: NodeJS.WritableStream): CliProgress.SingleBar {
  const cliProgress = require('cli-progress') as typeof CliProgress
  const bar = new cliProgress.SingleBar(
    {
      format: '{bar} {percent} %  {text}',
      barsize: 16,
      stream,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: false,
      stopOnComplete: false,
      gracefulExit: false,
      fps: 5,
    },
    cliProgress.Presets.rect,
  )
  bar.start(1_000, 0, { text: '', percent: '0' })
  return bar
}
