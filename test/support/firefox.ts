/**
 * Debian's Firefox, without a window, in a profile of its own, driven by WebDriver BiDi (W3C): that much of it as the tests of a page
 * need. Playwright drives builds of Firefox that only it has.
 */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { freePort } from './free-port.ts'
import { Child, until } from './processes.ts'

/** For `needs`. */
export const FIREFOX = 'firefox-esr'

/** It plays without a click, meets others on loopback, and asks nobody for anything by itself. */
const PREFERENCES: Readonly<Record<string, unknown>> = {
  'media.autoplay.default': 0,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.url': '',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'remote.active-protocols': 1,
  'services.settings.server': '',
  'toolkit.telemetry.enabled': false,
}
const START_MS = 40_000

const zSaid = z.looseObject({
  id: z.number().optional(),
  type: z.string(),
  error: z.string().optional(),
  message: z.string().optional(),
  method: z.string().optional(),
  result: z.unknown().optional(),
  params: z.unknown().optional(),
})
type Said = z.infer<typeof zSaid>
const zTree = z.object({ contexts: z.array(z.object({ context: z.string() })).min(1) })
const zLogged = z.object({ level: z.string(), text: z.string().nullable() })
const zEvaluated = z.discriminatedUnion('type', [
  z.object({ type: z.literal('success'), result: z.object({ value: z.string().optional() }) }),
  z.object({ type: z.literal('exception'), exceptionDetails: z.object({ text: z.string() }) }),
])

export class Firefox implements AsyncDisposable {
  /** What its page complained of on the console. */
  readonly troubles: string[] = []
  readonly #stack: AsyncDisposableStack
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (said: Said) => void>()
  #context = ''
  #asked = 0

  private constructor(socket: WebSocket, stack: AsyncDisposableStack) {
    this.#socket = socket
    this.#stack = stack
    socket.on('message', (data: Buffer) => this.#hear(zSaid.parse(JSON.parse(data.toString('utf8')))))
  }

  /** With one page, which is empty. */
  static async launch(): Promise<Firefox> {
    await using stack = new AsyncDisposableStack()
    const profile = await mkdtemp(join(tmpdir(), 'shoal-firefox-'))
    stack.defer(() => rm(profile, { recursive: true, force: true }))
    const lines = Object.entries(PREFERENCES).map(
      (pair) => `user_pref(${JSON.stringify(pair).slice(1, -1)});`,
    )
    await writeFile(join(profile, 'user.js'), lines.join('\n'))
    const port = await freePort()
    const argv = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', String(port)]
    stack.use(new Child({ argv: [FIREFOX, ...argv], graceMs: 5_000 }))
    const connect = async (): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/session`)
      await once(socket, 'open')
      return socket
    }
    const socket = await until('Firefox to listen', connect, AbortSignal.timeout(START_MS))
    stack.defer(() => {
      socket.terminate()
    })
    const firefox = new Firefox(socket, stack.move())
    await firefox.#begin()
    return firefox
  }

  async #begin(): Promise<void> {
    await this.#call('session.new', { capabilities: {} })
    await this.#call('session.subscribe', { events: ['log.entryAdded'] })
    const { contexts } = zTree.parse(await this.#call('browsingContext.getTree', {}))
    this.#context = contexts[0]?.context ?? ''
  }

  async setCookie(
    url: string,
    { name, value }: { readonly name: string; readonly value: string },
  ): Promise<void> {
    const cookie = { name, value: { type: 'string', value }, domain: new URL(url).hostname, path: '/' }
    await this.#call('storage.setCookie', { cookie: { ...cookie, httpOnly: true } })
  }

  /** Resolves when the document is there. */
  async goto(url: string): Promise<void> {
    await this.#call('browsingContext.navigate', { context: this.#context, url, wait: 'interactive' })
  }

  /** @returns What it comes to, as JSON has it. */
  async evaluate(expression: string): Promise<unknown> {
    const asked = { expression: `JSON.stringify(${expression})`, target: { context: this.#context } }
    const said = zEvaluated.parse(await this.#call('script.evaluate', { ...asked, awaitPromise: true }))
    if (said.type === 'exception') throw new Error(`${expression}: ${said.exceptionDetails.text}`)
    return said.result.value === undefined ? undefined : JSON.parse(said.result.value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #call(method: string, params: object): Promise<unknown> {
    const id = ++this.#asked
    const answered = new Promise<Said>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params }))
    const { type, error, message, result } = await answered
    if (type === 'error') throw new Error(`${method}: ${error ?? ''} ${message ?? ''}`)
    return result
  }

  #hear(said: Said): void {
    if (said.method === 'log.entryAdded') {
      const { level, text } = zLogged.parse(said.params)
      if (level === 'error') this.troubles.push(text ?? '')
    }
    if (said.id === undefined) return
    this.#waiting.get(said.id)?.(said)
    this.#waiting.delete(said.id)
  }
}
