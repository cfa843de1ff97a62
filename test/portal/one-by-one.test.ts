import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { queryObjects } from 'node:v8'
import { HttpRefusal } from '../../src/portal/http/problems.ts'
import { type InTurn, oneByOne } from '../../src/portal/http/one-by-one.ts'

const ended = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Requests that come together on one connection', () => {
  let socket: Socket
  let inTurn: InTurn
  let worked: number[]
  beforeEach(() => {
    socket = new Socket()
    inTurn = oneByOne()
    worked = []
  })
  afterEach(() => socket.destroy())

  function ask(number: number): { readonly res: ServerResponse; readonly over: Promise<void> } {
    const req = new IncomingMessage(socket)
    const res = new ServerResponse(req)
    const over = inTurn(req, res, () => {
      worked.push(number)
      return Promise.resolve()
    })
    return { res, over }
  }

  it('are worked at one after the other', async () => {
    const asked = [0, 1, 2].map(ask)
    for (const [number, { res, over }] of asked.entries()) {
      await over
      await ended()
      assert.deepEqual(worked.length, number + 1)
      res.destroy()
    }
    assert.deepEqual(worked, [0, 1, 2])
  })

  it('are let go when it is closed, and are refused when they are too many', async () => {
    const asked = Array.from({ length: 32 }, (_, number) => ask(number))
    await assert.rejects(ask(32).over, HttpRefusal)
    socket.destroy()
    await Promise.all(asked.map(({ over }) => over))
    await ask(33).over
    assert.deepEqual(worked, [0])
  })

  it('leave nothing behind while it lasts', async () => {
    const promises = (): number => queryObjects(Promise, { format: 'count' })
    const before = promises()
    for (let number = 0; number < 500; number++) {
      const { res, over } = ask(number)
      await over
      res.destroy()
      await ended()
    }
    assert.equal(worked.length, 500)
    const left = promises() - before
    assert.ok(left < 100, String(left))
  })
})
