/** `shoal up` on loopback with a small library, and a folder for all that a test makes; all gone afterwards. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  shoal,
  startShoal,
  untilEvent,
  type ShoalFinished,
  type ShoalWhere,
} from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { makeTree, seededBytes } from '../support/tree.ts'

/** What the library holds: a file, and a folder with awkward names. */
export const FILE = {
  name: 'Fire safety 2026.bin',
  bundle: 'fire-safety-2026-bin',
  sizeBytes: 10_485_761,
} as const
export const FOLDER = { name: 'Course Économie #1', bundle: 'course-conomie-1' } as const

export class Running implements AsyncDisposable {
  readonly dir: string
  readonly library: string
  readonly up: Child
  readonly portal: string
  readonly peerPort: number
  readonly dataDir: string
  readonly #owned = new AsyncDisposableStack()

  private constructor(dir: string, up: Child, ready: { portal: string; peerPort: number }) {
    this.dir = dir
    this.library = libraryOf(dir)
    this.dataDir = dataOf(dir)
    this.up = up
    this.portal = ready.portal
    this.peerPort = ready.peerPort
  }

  /** Resolves when both bundles are live. */
  static async start(signal: AbortSignal, ...flags: readonly string[]): Promise<Running> {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-e2e-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    await mkdir(libraryOf(dir))
    await writeFile(join(libraryOf(dir), FILE.name), seededBytes(FILE.name, FILE.sizeBytes))
    await makeTree(join(libraryOf(dir), FOLDER.name), FOLDER.name)
    const where = { dataDir: dataOf(dir), logFile: join(dir, 'up.log') }
    const listen = ['--listen', '127.0.0.1:0', '--peer-port', '0']
    const up = stack.use(startShoal(where, 'up', '--library', libraryOf(dir), ...listen, ...flags))
    const ready = await untilEvent(up, 'ready', signal)
    const running = new Running(dir, up, { portal: String(ready.portal), peerPort: Number(ready.peerPort) })
    await until(
      'both bundles to be live',
      async () => {
        const listed = await shoal(where, 'list')
        return listed.events.filter((e) => e.event === 'bundle').length === 2 || undefined
      },
      signal,
    )
    running.#owned.use(stack.move())
    return running
  }

  /** Where and as whom a person's machine runs commands: with a data folder of its own, and an admin's token. */
  person(name: string): ShoalWhere & { readonly out: string } {
    return {
      dataDir: join(this.dir, name),
      out: join(this.dir, `${name}-out`),
      env: { SHOAL_PORTAL: this.portal, SHOAL_TOKEN_FILE: join(this.dataDir, 'admin.token') },
    }
  }

  /** A command of a person, running; ended at the latest with this. */
  start(name: string, ...args: readonly string[]): Child {
    return this.#owned.use(startShoal(this.person(name), ...args))
  }

  run(name: string, ...args: readonly string[]): Promise<ShoalFinished> {
    return shoal(this.person(name), ...args)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }
}

const libraryOf = (dir: string): string => join(dir, 'library')
const dataOf = (dir: string): string => join(dir, 'data')

/** What a command that failed printed, for the message of an assertion. */
export const printed = (ended: ShoalFinished): string =>
  `exit ${String(ended.code)}\n${ended.stdout}\n${ended.stderr}`
