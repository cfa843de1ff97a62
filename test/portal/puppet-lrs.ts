/** A learning record store that does what it is told, and remembers what it was sent. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Told {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly statements: readonly SentStatement[]
}

export interface SentStatement {
  readonly id: string
  readonly verb: { readonly id: string }
  readonly [more: string]: unknown
}

export class PuppetLrs implements AsyncDisposable {
  /** A status, or nothing at all; `headers` go with it. */
  answer: (told: Told) => { status: number; headers?: Record<string, string> } | 'hang' = () => ({
    status: 200,
  })
  readonly told: Told[] = []
  readonly #server: Server
  readonly #held: ServerResponse[] = []
  #waiting: (() => void)[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<PuppetLrs> {
    const server = createServer()
    const puppet = new PuppetLrs(server)
    server.on('request', (req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => {
        const statements = JSON.parse(Buffer.concat(chunks).toString()) as SentStatement[]
        puppet.#on({ url: `${req.method ?? ''} ${req.url ?? ''}`, headers: req.headers, statements }, res)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return puppet
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/xapi`
  }

  /** Resolves once it was asked so often. */
  async asked(times: number): Promise<void> {
    while (this.told.length < times) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const res of this.#held) res.destroy()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #on(told: Told, res: ServerResponse): void {
    this.told.push(told)
    const answer = this.answer(told)
    if (answer === 'hang') this.#held.push(res)
    else res.writeHead(answer.status, answer.headers).end('{"ok":true}')
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
