/**
 * How long the body of a request may take. All of it within one bound, which keeps who sends a byte now and then from holding a
 * connection; uploads by people who are known are allowed to go on for hours, as long as they go on.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Millis } from '../core/units.ts'

/** What ends the wait for a body. */
const waits = new WeakMap<IncomingMessage, Disposable>()

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** Whoever has not sent it all by then gets a 408, and is cut. */
export function boundBody(req: IncomingMessage, res: ServerResponse, within: Millis): void {
  if (!hasBody(req)) return
  const timer = setTimeout(() => {
    cut(req, res)
  }, within)
  timer.unref() // of a body that nobody reads to its end, after the answer: a process that stops does not wait for it
  watch(req, {
    [Symbol.dispose]: () => {
      clearTimeout(timer)
    },
  })
}

/** From now on only silence of this length, and up to twice as long, ends it. */
export function allowLongBody(req: IncomingMessage, res: ServerResponse, silence: Millis): void {
  if (!hasBody(req) || req.complete) return
  let seen = req.socket.bytesRead
  const timer = setInterval(() => {
    if (req.socket.bytesRead === seen) cut(req, res)
    seen = req.socket.bytesRead
  }, silence)
  timer.unref()
  watch(req, {
    [Symbol.dispose]: () => {
      clearInterval(timer)
    },
  })
}

function watch(req: IncomingMessage, wait: Disposable): void {
  const before = waits.get(req)
  waits.set(req, wait)
  if (before !== undefined) {
    before[Symbol.dispose]()
    return
  }
  const done = (): void => waits.get(req)?.[Symbol.dispose]()
  req.once('end', done)
  req.once('close', done)
}

function cut(req: IncomingMessage, res: ServerResponse): void {
  waits.get(req)?.[Symbol.dispose]()
  const end = (): void => void req.socket.destroy()
  if (res.headersSent) end()
  else res.writeHead(408, { connection: 'close', 'content-length': 0 }).end(end)
}
