/** Abuse of an HTTP port by hand-made bytes, and requests to the portal's API. */
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { HostileInput } from '../../support/corpus.ts'

/** How long an answer may pause before it counts as over: some requests are never complete. */
const QUIET_MS = 300

/** Sends the bytes as they are; answers what came until the other side closed or was quiet. */
export function converse(port: number, localAddress: string, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    const socket = connect({ host: '127.0.0.1', port, localAddress }, () => socket.write(bytes))
    socket.on('data', (part) => {
      parts.push(part)
      socket.setTimeout(QUIET_MS)
    })
    socket.setTimeout(20 * QUIET_MS)
    socket.on('timeout', () => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(parts).toString('latin1')))
  })
}

/** The file's text with a grant and an infohash in their places. */
export function requestOf(input: HostileInput, grant: string, hash: string): Buffer {
  const text = Buffer.from(input.bytes).toString('latin1')
  return Buffer.from(text.replaceAll('{GRANT}', grant).replaceAll('{HASH}', hash), 'latin1')
}

/** Sockets that say `bytes` and then nothing, or nothing at all; the caller's to destroy. */
export async function silentSockets(port: number, count: number, bytes: string): Promise<readonly Socket[]> {
  const opened = Array.from({ length: count }, (_, n) => {
    const localAddress = `127.0.5.${1 + (n % 250)}`
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    socket.on('error', () => undefined)
    return new Promise<Socket>((resolve) => {
      socket.once('connect', () => {
        if (bytes !== '') socket.write(bytes)
        resolve(socket)
      })
      socket.once('close', () => resolve(socket))
    })
  })
  return Promise.all(opened)
}

/** Sends a byte at a time, for as long as the other side bears it or the signal is not aborted. */
export async function dribble(port: number, text: Uint8Array, signal: AbortSignal): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.5.251' })
  socket.on('error', () => undefined)
  socket.resume()
  let at = 0
  const timer = setInterval(() => {
    const byte = text[at++]
    if (byte !== undefined && !socket.destroyed) socket.write(Uint8Array.of(byte))
  }, 10)
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    signal.addEventListener('abort', () => socket.destroy(), { once: true })
    if (signal.aborted) socket.destroy()
  })
  clearInterval(timer)
}

export interface ApiCall {
  readonly method: string
  readonly path: string
  readonly token?: string
  readonly type?: string
  readonly body?: Uint8Array
}

export interface ApiAnswer {
  readonly status: number
  readonly body: string
}

/** Status 0: no answer, the connection was closed on us. */
export function callApi(portal: string, call: ApiCall): Promise<ApiAnswer> {
  const { method, path, token, type = 'application/json', body } = call
  return new Promise((resolve) => {
    const sent = request(new URL(path, portal), {
      method,
      agent: false,
      localAddress: '127.0.6.1',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': type, 'content-length': body.length }),
      },
    })
    sent.on('error', () => resolve({ status: 0, body: '' }))
    sent.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', () => undefined)
      response.on('close', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      )
    })
    sent.end(body)
  })
}
