import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { readSimpleGet, type SimpleGet } from '../../src/platform/simple-get.ts'
import { seededRandom, pick } from '../../src/core/random.ts'

function read(text: string): SimpleGet {
  const result = readSimpleGet(text, 0)
  if (typeof result === 'string') throw new Error(`${result}: ${JSON.stringify(text)}`)
  return result
}

/** As these clients send it. */
const CLIENTS = {
  libtorrent:
    'Host: 10.0.0.1:8080\r\nUser-Agent: libtorrent/2.0.8.0\r\nAccept-Encoding: gzip\r\nConnection: close\r\n',
  aria2:
    'User-Agent: aria2/1.36.0\r\nAccept: */*,application/metalink4+xml\r\nHost: 10.0.0.1\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nAccept-Encoding: deflate, gzip\r\n',
  transmission:
    'Host: 10.0.0.1\r\nUser-Agent: Transmission/3.00\r\nAccept: */*\r\nAccept-Encoding: deflate, gzip, br\r\n',
  shoal:
    'user-agent: Shoal/0.1.0\r\naccept-encoding: identity\r\nconnection: close\r\nHost: 10.0.0.1:8080\r\n',
}

describe('The head of a plain GET', () => {
  for (const [client, fields] of Object.entries(CLIENTS)) {
    it(`is read as ${client} sends it`, () => {
      const text = `GET /announce?info_hash=%aa&port=1 HTTP/1.1\r\n${fields}\r\n`
      const get = read(`${text}rest`)
      assert.equal(get.target, '/announce?info_hash=%aa&port=1')
      assert.equal(get.end, text.length)
      assert.equal(get.keepsAlive, !/connection: close/i.test(fields))
    })
  }

  it('is read behind another one', () => {
    const one = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'
    const two = 'GET /b HTTP/1.0\r\n\r\n'
    const get = readSimpleGet(one + two, one.length)
    assert.deepEqual(get, {
      target: '/b',
      keepsAlive: false,
      forwardedFor: undefined,
      end: one.length + two.length,
    })
  })

  it('joins several X-Forwarded-For by commas', () => {
    const fields = 'Host: x\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nx-forwarded-for:10.0.0.3\r\n'
    assert.equal(read(`GET / HTTP/1.1\r\n${fields}\r\n`).forwardedFor, '10.0.0.1, 10.0.0.2,10.0.0.3')
  })

  it('is waited for while it may still come', () => {
    const text = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'
    for (let length = 0; length < text.length; length++)
      assert.equal(readSimpleGet(text.slice(0, length), 0), 'incomplete', text.slice(0, length))
  })

  const others = {
    'another method': 'POST /a HTTP/1.1\r\nHost: x\r\n\r\n',
    'a method in small letters': 'get /a HTTP/1.1\r\nHost: x\r\n\r\n',
    'an absolute target': 'GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n',
    'another version': 'GET /a HTTP/2.0\r\nHost: x\r\n\r\n',
    'no version': 'GET /a\r\nHost: x\r\n\r\n',
    'two spaces': 'GET /a  HTTP/1.1\r\nHost: x\r\n\r\n',
    'a space in the target': 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n',
    'a target of other bytes': 'GET /\xe4 HTTP/1.1\r\nHost: x\r\n\r\n',
    'bare line feeds': 'GET /a HTTP/1.1\nHost: x\n\n\r\n\r\n',
    'a carriage return alone': 'GET /a HTTP/1.1\r\nHost: x\ry\r\n\r\n',
    'a folded line': 'GET /a HTTP/1.1\r\nHost: x\r\n y\r\n\r\n',
    'a space before a colon': 'GET /a HTTP/1.1\r\nHost : x\r\n\r\n',
    'a field without a colon': 'GET /a HTTP/1.1\r\nHost: x\r\nAccept\r\n\r\n',
    'a NUL': 'GET /a HTTP/1.1\r\nHost: x\0\r\n\r\n',
    'no host': 'GET /a HTTP/1.1\r\nAccept: x\r\n\r\n',
    'two hosts': 'GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n',
    'a body': 'GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
    'a body in chunks': 'GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'an upgrade': 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    'an expectation': 'GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n',
    'a cookie': 'GET /a HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\n\r\n',
  }
  for (const [what, text] of Object.entries(others)) {
    it(`is left to others when it has ${what}`, () => {
      assert.equal(readSimpleGet(text, 0), 'other')
    })
  }

  it('is never read otherwise than node:http reads it', async () => {
    const server = createServer((req, res) => {
      const { url, method } = req
      res.end(
        JSON.stringify({
          url,
          method,
          keepsAlive: res.shouldKeepAlive,
          from: req.headers['x-forwarded-for'],
        }),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const random = seededRandom(31)
    const seeds = [...Object.values(CLIENTS), 'Host: x\r\nX-Forwarded-For: 10.0.0.1\r\n', 'Host: x\r\n']
    const odd = [
      '\r',
      '\n',
      '\r\n',
      ':',
      ' ',
      '\t',
      '\0',
      'Content-Length: 0\r\n',
      'Connection: close\r\n',
      '1',
      'GET',
    ]
    let read = 0
    for (let i = 0; i < 400; i++) {
      let text = `GET /announce?a=${i} HTTP/1.${pick(['0', '1', '1', '1'], random) ?? '1'}\r\n${pick(seeds, random) ?? ''}\r\n`
      for (let changes = Math.floor(random() * 3); changes > 0; changes--) {
        const at = Math.floor(random() * text.length)
        text = text.slice(0, at) + (pick(odd, random) ?? '') + text.slice(at + Math.floor(random() * 2))
      }
      const get = readSimpleGet(text, 0)
      if (typeof get === 'string') continue
      read++
      const body = await converse(port, text.slice(0, get.end))
      const theirs = JSON.parse(body) as { url: string; method: string; keepsAlive: boolean; from?: string }
      assert.equal(theirs.method, 'GET')
      assert.equal(theirs.url, get.target, text)
      assert.equal(theirs.from?.replaceAll(', ', ','), get.forwardedFor?.replaceAll(', ', ','), text)
      if (!get.keepsAlive) assert.equal(theirs.keepsAlive, false, text)
    }
    server.closeAllConnections()
    server.close()
    assert.ok(read > 100, String(read))
  })
})

/** The body of the first answer. */
async function converse(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text, 'latin1')
  let answer = ''
  for await (const part of socket as AsyncIterable<Buffer>) {
    answer += part.toString('latin1')
    const head = answer.indexOf('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? NaN)
    if (head !== -1 && answer.length >= head + 4 + length) break
  }
  socket.destroy()
  return answer.slice(answer.indexOf('\r\n\r\n') + 4)
}
