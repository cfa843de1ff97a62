/**
 * A file over HTTP on the loopback, for a player on this machine and nobody else: a page in a browser, and another user
 * of the machine, lack the token; a name that somebody points at 127.0.0.1 (DNS rebinding) is not in `Host`.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ShoalError } from '../core/errors.ts'
import { millis } from '../core/units.ts'
import { listenHttp } from '../platform/http-listener.ts'
import { formatContentRange, parseRange } from '../wire/byte-range.ts'
import { limits } from '../wire/limits.ts'
import { contentTypeOf } from './playable.ts'

export interface PlayedFile {
  /** Without folders: it ends the URL, for players that go by the end of a name. */
  readonly name: string
  readonly sizeBytes: number
  /** The same bytes for ever, or another. */
  readonly tag: string
  /** Waits for what is not there yet. */
  readonly read: (
    range: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ) => AsyncIterable<Uint8Array>
}

/** Disposing of it ends what is under way. */
export interface Player extends AsyncDisposable {
  readonly url: string
}

const HOST = '127.0.0.1'
/** 192 bits. */
const TOKEN_BYTES = 24

/** `port` 0: any free one. @throws ShoalError `conflict` when it is taken. */
export async function servePlayer(file: PlayedFile, options: { readonly port: number }): Promise<Player> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  const serving = new Serving(file, token)
  const listener = await listenHttp((req, res) => serving.take(req, res), {
    host: HOST,
    port: options.port,
    connectionsMax: limits.playerConnectionsMax,
    closeTimeout: millis(0),
  })
  serving.port = listener.port
  return {
    url: `http://${HOST}:${listener.port}/${token}/${encodeURIComponent(file.name)}`,
    async [Symbol.asyncDispose]() {
      serving.end()
      await listener[Symbol.asyncDispose]()
    },
  }
}

class Serving {
  port = 0
  readonly #file: PlayedFile
  readonly #token: string
  /** Answers under way, the oldest first. */
  readonly #streams = new Set<AbortController>()

  constructor(file: PlayedFile, token: string) {
    this.#file = file
    this.#token = token
  }

  take(req: IncomingMessage, res: ServerResponse): void {
    res.setHeader('cache-control', 'no-store')
    res.setHeader('x-content-type-options', 'nosniff')
    res.setHeader('cross-origin-resource-policy', 'same-origin')
    res.setHeader('referrer-policy', 'no-referrer')
    if (!this.#isForUs(req.headers.host)) refuse(res, 421, 'this server is 127.0.0.1 only')
    else if (!this.#isOurs(req.url ?? '')) refuse(res, 404, 'there is nothing here')
    else if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('allow', 'GET, HEAD')
      refuse(res, 405, 'only GET and HEAD')
    } else this.#answer(req, res)
  }

  end(): void {
    for (const stream of this.#streams) stream.abort()
  }

  #isForUs(host: string | undefined): boolean {
    const name = host?.toLowerCase()
    return name === `${HOST}:${this.port}` || name === `localhost:${this.port}`
  }

  #isOurs(url: string): boolean {
    const [, token = '', name = '', ...rest] = (url.split('?')[0] ?? '').split('/')
    return rest.length === 0 && isSame(token, this.#token) && decoded(name) === this.#file.name
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const { name, sizeBytes, tag } = this.#file
    let range
    try {
      // RFC 9110, 13.1.5: what was begun of another file is not gone on with.
      const isSameFile = [undefined, `"${tag}"`].includes(req.headers['if-range'] as string | undefined)
      range = parseRange(isSameFile ? req.headers.range : undefined, sizeBytes)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      res.setHeader('content-range', `bytes */${sizeBytes}`)
      refuse(res, 416, error.message)
      return
    }
    res.setHeader('accept-ranges', 'bytes')
    const { from: start, end } = range ?? { from: 0, end: sizeBytes }
    if (range !== undefined) res.setHeader('content-range', formatContentRange({ ...range, sizeBytes }))
    res.setHeader('content-type', contentTypeOf(name))
    res.setHeader('content-length', end - start)
    res.setHeader('etag', `"${tag}"`)
    res.writeHead(range === undefined ? 200 : 206)
    if (req.method === 'HEAD') res.end()
    else void this.#send(res, { start, end })
  }

  /** A chunk at a time, as it is taken. A player that seeks often leaves answers behind: the oldest one ends. */
  async #send(res: ServerResponse, range: { readonly start: number; readonly end: number }): Promise<void> {
    const aborter = new AbortController()
    const [oldest] = this.#streams
    if (this.#streams.size >= limits.playerStreamsMax) oldest?.abort()
    this.#streams.add(aborter)
    res.once('close', () => aborter.abort())
    const { signal } = aborter
    try {
      res.flushHeaders()
      await pipeline(Readable.from(this.#file.read(range, signal), { highWaterMark: 1 }), res, { signal })
    } catch {
      res.destroy() // cut short: the player sees that it has not got all of it, and may ask again
    } finally {
      this.#streams.delete(aborter)
    }
  }
}

function refuse(res: ServerResponse, status: number, sentence: string): void {
  res.setHeader('content-type', 'text/plain; charset=utf-8')
  res.writeHead(status).end(`${sentence}\n`)
}

/** In a time that does not tell how much of it was right. */
function isSame(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // a % without two hex digits, or bytes that are no UTF-8
  }
}
