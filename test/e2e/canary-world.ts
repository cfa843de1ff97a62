/** A running Shoal in which everything that is said, answered and written is kept as evidence. */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { shoal, startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import { run, until, type Child, type Finished } from '../support/processes.ts'
import { seededBytes } from '../support/tree.ts'
import { Canaries } from './canaries.ts'

export const BUNDLE = 'film-bin'

/** One HTTP answer: the status, what may be read by whom, and the body. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface Ask extends Omit<RequestInit, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>
  readonly mayHold?: readonly string[]
}

export class CanaryWorld implements AsyncDisposable {
  readonly canaries: Canaries
  readonly dir: string
  readonly up: Child
  readonly portal: string
  readonly flags: readonly string[]
  readonly #owned: AsyncDisposableStack

  private constructor(parts: {
    canaries: Canaries
    dir: string
    up: Child
    portal: string
    flags: readonly string[]
    owned: AsyncDisposableStack
  }) {
    this.canaries = parts.canaries
    this.dir = parts.dir
    this.up = parts.up
    this.portal = parts.portal
    this.flags = parts.flags
    this.#owned = parts.owned
  }

  /** Resolves when the one bundle is live. `flags`: given to every command. */
  static async open(flags: readonly string[], signal: AbortSignal): Promise<CanaryWorld> {
    await using stack = new AsyncDisposableStack()
    const dir = stack.adopt(await mkdtemp(join(tmpdir(), 'shoal-canary-')), (made) =>
      rm(made, { recursive: true, force: true }),
    )
    await mkdir(join(dir, 'library'))
    await writeFile(join(dir, 'library', 'film.bin'), seededBytes('film', 2_000_000))
    const dataDir = join(dir, 'up')
    const env = { SHOAL_PORTAL_FAILED_LOGINS_PER_MINUTE_MAX: '1000' }
    const listen = ['--library', join(dir, 'library'), '--listen', '127.0.0.1:0', '--peer-port', '0']
    const up = stack.use(startShoal({ dataDir, env }, 'up', ...listen, '--limit-up', '1MB', ...flags))
    const portal = String((await untilEvent(up, 'ready', signal)).portal)
    await until(
      'the bundle to be live',
      async () => (await shoal({ dataDir }, 'list')).events.some((e) => e.event === 'bundle') || undefined,
      signal,
    )
    const canaries = new Canaries()
    for (const name of ['admin.token', 'origin.token'])
      canaries.add(name, (await readFile(join(dataDir, name), 'utf8')).trim())
    return new CanaryWorld({ canaries, dir, up, portal, flags, owned: stack.move() })
  }

  get dataDir(): string {
    return join(this.dir, 'up')
  }

  async adminToken(): Promise<string> {
    return (await readFile(join(this.dataDir, 'admin.token'), 'utf8')).trim()
  }

  /** Where and as whom a machine of a person runs commands; by default with the admin's token file. */
  where(person: string, env: Record<string, string> = {}): ShoalWhere {
    const tokenFile = { SHOAL_TOKEN_FILE: join(this.dataDir, 'admin.token') }
    return { dataDir: join(this.dir, person), env: { SHOAL_PORTAL: this.portal, ...tokenFile, ...env } }
  }

  /** A command to its end; what it printed is evidence. */
  async command(
    args: readonly string[],
    more: { mayPrint?: readonly string[]; env?: Record<string, string> } = {},
  ) {
    const ended = await shoal(this.where('person', more.env), ...args, ...this.flags)
    this.#saw(args, ended, more.mayPrint)
    return ended
  }

  /** As a person types it, without --json; `input` comes on standard input. */
  async typed(args: readonly string[], input = ''): Promise<Finished> {
    const { dataDir, env } = this.where('person')
    const ended = await run({
      argv: ['./shoal', ...args, '--data', dataDir, ...this.flags],
      env: env ?? {},
      input,
    })
    this.#saw(args, ended)
    return ended
  }

  /** Started, ended at the latest with this world. */
  start(...args: readonly string[]): Child {
    return this.#owned.use(startShoal(this.where('person'), ...args, ...this.flags))
  }

  /** A request; the answer's body and headers are evidence. A redirect is not followed. */
  async ask(path: string, { mayHold = [], ...init }: Ask = {}): Promise<Answer> {
    const response = await fetch(`${this.portal}${path}`, { redirect: 'manual', ...init })
    const bytes = Buffer.from(await response.arrayBuffer())
    const where = `the answer ${response.status} to ${init.method ?? 'GET'} ${path.slice(0, 24)}…`
    this.canaries.see(where, bytes, mayHold)
    this.canaries.see(
      `a header of ${where}`,
      Array.from(response.headers, (pair) => pair.join(': ')).join('\n'),
    )
    return { status: response.status, headers: response.headers, text: bytes.toString('utf8') }
  }

  asAdmin(path: string, token: string, init: Ask = {}): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers }
    return this.ask(path, { ...init, headers })
  }

  /** Bytes that are no good HTTP; all that comes back is evidence. */
  async raw(text: string): Promise<void> {
    const { hostname, port } = new URL(this.portal)
    const socket = connect({ host: hostname, port: Number(port) })
    let said = ''
    socket.on('data', (chunk) => (said += chunk.toString('latin1')))
    socket.on('error', () => undefined) // it hangs up on us: what it said before counts
    socket.end(text)
    await new Promise((resolve) => socket.once('close', resolve))
    this.canaries.see(`what came back for ${text.slice(0, 16)}…`, said)
  }

  /** The command lines of all processes of this machine, now. */
  async processList(): Promise<string> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')) // it has ended
    return (await Promise.all(lines)).join('\n')
  }

  /** Every file of the data folders and of what was fetched; `mayHold` by path from the folder of this world. */
  async seeFiles(mayHold: Readonly<Record<string, readonly string[]>>): Promise<string[]> {
    const entries = await readdir(this.dir, { recursive: true, withFileTypes: true })
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    for (const path of paths) {
      const name = relative(this.dir, path)
      this.canaries.see(`the file ${name}`, await readFile(path), mayHold[name] ?? [])
    }
    return paths.map((path) => relative(this.dir, path))
  }

  #saw(args: readonly string[], ended: Finished, mayPrint: readonly string[] = []): void {
    const what = `\`shoal ${args.map((arg) => arg.slice(0, 16)).join(' ')}\``
    this.canaries.see(`standard output of ${what}`, ended.stdout, mayPrint)
    this.canaries.see(`standard error of ${what}`, ended.stderr)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync()
  }
}
