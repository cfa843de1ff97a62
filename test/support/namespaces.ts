/**
 * A private network of machines for tests: one Linux network namespace each, joined by a bridge in a namespace
 * of its own. Nothing in it reaches the machine's network, and nothing outside reaches it, so fixed ports and
 * addresses inside are free by construction. Needs root, iproute2 and curl ({@link LAB_NEEDS}).
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { Child, runOk, type ChildOptions } from './processes.ts'

const NAME_PREFIX = 'shoal'
const NAMESPACE_DIR = '/run/netns'
/** Every host of a lab is in this network, so that all reach each other without a router. */
const PREFIX_BITS = 8

/** For `needs`. */
export const LAB_NEEDS = ['namespaces', 'ip', 'curl'] as const

let labsMade = 0
const standing = new Set<string>()
process.on('exit', () => {
  for (const namespace of standing) removeNow(namespace)
})

/** A machine in a {@link Lab}: a namespace with a loopback and one address. */
export interface Host {
  readonly name: string
  readonly address: string
  /** `argv` made to run in this machine; the program takes the place of `ip`, so its process id is its own. */
  argv(argv: readonly string[]): string[]
}

export interface NamespaceHost extends Host {
  readonly namespace: string
}

/** The machine that is the namespace `namespace`. */
export function hostIn(namespace: string, name: string, address: string): NamespaceHost {
  return { name, namespace, address, argv: (argv) => ['ip', 'netns', 'exec', namespace, ...argv] }
}

/** Starts a program on `host`; as {@link Child}. */
export function startOn(host: Host, options: ChildOptions): Child {
  return new Child({ ...options, argv: host.argv(options.argv) })
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

const JSON_HEADER = ['-H', 'content-type: application/json']

/** One HTTP request made on `host` (by curl: a socket of the test process would be outside). */
export async function httpOn(
  host: Host,
  url: string,
  request: {
    readonly form?: Readonly<Record<string, string>>
    readonly upload?: string
    readonly json?: unknown
    readonly headers?: Readonly<Record<string, string>>
    readonly method?: string
    /** A certificate, as an authority. */
    readonly trusts?: string
  } = {},
): Promise<HttpAnswer> {
  const fields = Object.entries(request.form ?? {})
  const form = fields.flatMap(([key, value]) =>
    request.upload === undefined
      ? ['--data-urlencode', `${key}=${value}`]
      : ['--form-string', `${key}=${value}`],
  )
  const upload = request.upload === undefined ? [] : ['--form', `torrents=@${request.upload}`]
  const json = request.json === undefined ? [] : [...JSON_HEADER, '--data', JSON.stringify(request.json)]
  const headers = Object.entries(request.headers ?? {}).flatMap(([key, value]) => ['-H', `${key}: ${value}`])
  const method = request.method === undefined ? [] : ['-X', request.method]
  const trust = request.trusts === undefined ? [] : ['--cacert', request.trusts]
  const options = [...trust, '--silent', '--show-error', '--max-time', '20', '--write-out', '\n%{http_code}']
  const out = await runOk(
    host.argv(['curl', ...options, ...method, ...headers, ...form, ...upload, ...json, url]),
  )
  const cut = out.lastIndexOf('\n')
  return { status: Number(out.slice(cut + 1)), body: out.slice(0, Math.max(cut, 0)) }
}

/** The network of one test file. Disposing of it removes every namespace it made. */
export class Lab implements AsyncDisposable {
  readonly #name: string
  readonly #hosts = new Map<string, Host>()

  private constructor(name: string) {
    this.#name = name
  }

  static async create(): Promise<Lab> {
    const lab = new Lab(freshLabName())
    try {
      await addNamespace(lab.#bridge)
      await runOk(['ip', '-n', lab.#bridge, 'link', 'add', 'br0', 'type', 'bridge'])
      await runOk(['ip', '-n', lab.#bridge, 'link', 'set', 'br0', 'up'])
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
    return lab
  }

  /** A machine more. `address` is in 10.0.0.0/8; `name` is unique in the lab, at most 12 letters and digits. */
  async addHost(name: string, address: string): Promise<Host> {
    if (this.#hosts.has(name)) throw new Error(`there is a host ${name} already`)
    const namespace = `${this.#name}-${name}`
    await addNamespace(namespace)
    const link = `to-${name}`
    await runOk([
      'ip',
      '-n',
      this.#bridge,
      'link',
      'add',
      link,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      namespace,
    ])
    await runOk(['ip', '-n', this.#bridge, 'link', 'set', link, 'master', 'br0', 'up'])
    await runOk(['ip', '-n', namespace, 'address', 'add', `${address}/${PREFIX_BITS}`, 'dev', 'eth0'])
    await runOk(['ip', '-n', namespace, 'link', 'set', 'eth0', 'up'])
    await runOk(['ip', '-n', namespace, 'link', 'set', 'lo', 'up'])
    const host = hostIn(namespace, name, address)
    this.#hosts.set(name, host)
    return host
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of [...this.#namespaces(), this.#bridge]) await removeNamespace(namespace)
    this.#hosts.clear()
  }

  get #bridge(): string {
    return `${this.#name}-bridge`
  }

  #namespaces(): string[] {
    return [...standing].filter((name) => name.startsWith(`${this.#name}-`) && name !== this.#bridge)
  }
}

/** What the names of a network's namespaces begin with; first removes what dead test processes left behind. */
export function freshLabName(): string {
  sweepLeftOvers()
  return `${NAME_PREFIX}-${process.pid}-${labsMade++}`
}

/** Named by {@link freshLabName} and more; removed at the end of this process at the latest. */
export async function addNamespace(namespace: string): Promise<void> {
  await runOk(['ip', 'netns', 'add', namespace])
  standing.add(namespace)
}

/** Nothing when it is not there. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (!standing.has(namespace)) return
  await runOk(['ip', 'netns', 'delete', namespace])
  standing.delete(namespace)
}

/** Removes namespaces of test processes that no longer exist (killed before they could clean up). */
function sweepLeftOvers(): void {
  const names = existsSync(NAMESPACE_DIR) ? readdirSync(NAMESPACE_DIR) : []
  for (const name of names) {
    const owner = new RegExp(`^${NAME_PREFIX}-([0-9]+)-`).exec(name)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeNow(name)
  }
}

/** What runs in it: their process ids. */
export function processesIn(namespace: string): readonly number[] {
  const pids = execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' })
  return pids.split('\n').flatMap((line) => (line === '' ? [] : Number(line)))
}

/** Ends all that runs in it, whoever started it. */
export function endAllIn(namespace: string): void {
  for (const pid of processesIn(namespace))
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Ended meanwhile.
    }
}

/** Also ends what still runs in it: its test process died before it could. */
function removeNow(namespace: string): void {
  try {
    endAllIn(namespace)
    execFileSync('ip', ['netns', 'delete', namespace], { stdio: 'pipe' })
  } catch {
    // Gone already: another test process swept it.
  }
}
