/**
 * Requests that a client sends one behind the other on one connection, without waiting for answers (RFC 9112, 9.3.2),
 * as libtorrent does: node:http hands them over all at once. Answered one after the other, they are one answer's work.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HttpRefusal } from './problems.ts'

interface Line {
  last: Promise<void>
  /** Lets each go on; all of them when the connection is closed. */
  readonly waiting: Set<() => void>
}

/** Five are what libtorrent sends. */
const WAITING_MAX = 32

export type InTurn = (req: IncomingMessage, res: ServerResponse, work: () => Promise<void>) => Promise<void>

/** `work` runs when the answer before it on the same connection is out. */
export function oneByOne(): InTurn {
  const lines = new WeakMap<Socket, Line>()
  return async ({ socket }, res, work) => {
    const line = lines.get(socket) ?? lineOf(socket)
    lines.set(socket, line)
    if (line.waiting.size >= WAITING_MAX) throw new HttpRefusal(503, 'too many requests on one connection')
    const before = line.last
    line.last = new Promise((resolve) => {
      res.once('close', resolve)
    })
    if (!socket.destroyed) await turnIn(line, before)
    if (!res.destroyed && !socket.destroyed) await work()
  }
}

function lineOf(socket: Socket): Line {
  const waiting: Line['waiting'] = new Set()
  socket.once('close', () => {
    for (const goOn of waiting) goOn()
  })
  return { last: Promise.resolve(), waiting }
}

/** Leaves nothing with the line, which may last as long as its connection. */
async function turnIn({ waiting }: Line, before: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const goOn = (): void => resolve(undefined)
  waiting.add(goOn)
  void before.then(goOn)
  await promise
  waiting.delete(goOn)
}
