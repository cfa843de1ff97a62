import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { TestTracker } from './http-support.ts'
import { reasonOf } from './http-support.ts'
import { OTHER_SWARM, TestPortal } from './support.ts'

const FOLDER = new URL('../hostile/corpus/tracker-http/', import.meta.url)
const files = readdirSync(FOLDER).toSorted()

/** Sends the bytes as they are and reads until the other side closes. */
function converse(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(bytes))
    socket.on('data', (part) => parts.push(part))
    socket.on('close', () => {
      resolve(Buffer.concat(parts).toString('latin1'))
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET') reject(error)
    })
  })
}

describe('Hostile requests to the tracker', () => {
  let portal: TestPortal
  let tracker: TestTracker
  before(async () => {
    portal = await TestPortal.open()
    tracker = await TestTracker.start(portal, {
      trustedProxies: '127.0.0.0/8',
      grantFailuresPerMinuteMax: '10000',
    })
  })
  after(() => tracker[Symbol.asyncDispose]())

  it('are there to be replayed', () => {
    assert.ok(files.length >= 50)
  })

  for (const file of files) {
    it(`get a bounded answer, and harm nobody else: ${file}`, async () => {
      const { token } = await portal.grant()
      const text = readFileSync(new URL(file, FOLDER), 'latin1')
        .replaceAll('{GRANT}', token)
        .replaceAll('{HASH}', '%aa'.repeat(20))
      const answer = await converse(tracker.port, Buffer.from(text, 'latin1'))
      assert.match(answer, /^HTTP\/1\.1 (200|400|404|405|414|431) /)
      assert.ok(answer.length < 2_000)
      const honest = await portal.grant(OTHER_SWARM)
      const reply = await tracker.announce({ grant: honest.token, infoHash: OTHER_SWARM })
      assert.equal(reasonOf(reply), undefined)
    })
  }
})
