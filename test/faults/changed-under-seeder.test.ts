/**
 * Promise 12: files of a running origin that are written to, cut, replaced, grown, or rot on the disk. A peer asks
 * for every block meanwhile, and compares each one that it is sent with what was published.
 */
import assert from 'node:assert/strict'
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ipAddress } from '../../src/core/address.ts'
import { releaseName, slug } from '../../src/core/ids.ts'
import { BLOCK_BYTES } from '../../src/core/piece-layout.ts'
import { hours, MiB } from '../../src/core/units.ts'
import { PortalClient } from '../../src/portal-client/index.ts'
import { tcpNetwork } from '../../src/swarm/index.ts'
import type { Release } from '../../src/wire/api.ts'
import { recordFigures } from '../support/figures.ts'
import { takeLease } from '../support/leased.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { Puppet } from '../support/puppet-peer.ts'
import { seededBytes } from '../support/tree.ts'

const SIZE_BYTES = 4 * MiB + 77
const FLAGGED_WITHIN_MS = 5_000
/** Slow enough that the change comes in the middle. */
const LIMIT_UP = '2MB'
const BLOCKS_BEFORE = 20
const REQUESTS_OUT = 8
const RELEASE = releaseName('1')

const other = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x55))

/** What happens to a file, and what the portal then says of its release. */
const CHANGES: readonly (readonly [name: string, change: (path: string) => Promise<void>, reason: RegExp])[] =
  [
    ['written-to', overwrite, /was changed after it was published/],
    ['cut', (path) => truncate(path, MiB), /was changed after it was published/],
    ['grown', (path) => appendFile(path, Buffer.alloc(MiB)), /was changed after it was published/],
    ['replaced', replace, /was changed after it was published/],
    ['gone', (path) => rm(path), /gone from the library folder/],
    ['rotten', rot, /no longer those that were published/],
  ]

async function overwrite(path: string): Promise<void> {
  const bytes = other(await readFile(path))
  await using file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, 0)
}

async function replace(path: string): Promise<void> {
  const beside = join(path, '..', '..', 'beside')
  await writeFile(beside, other(await readFile(path)))
  await rename(beside, path)
}

/** Other bytes under the same size and time, as a disk that forgets leaves them. */
async function rot(path: string): Promise<void> {
  const { atime, mtime } = await stat(path)
  const whole = new Date(Math.floor(mtime.getTime() / 1_000) * 1_000)
  assert.equal(mtime.getTime(), whole.getTime(), 'a time that can be set again exactly')
  await overwrite(path)
  await utimes(path, atime, whole)
}

describe('A file that changes under its origin', function () {
  this.timeout(90_000)
  const stack = new AsyncDisposableStack()
  let dir: string
  let up: Child
  let client: PortalClient
  let peerPort: number

  const pathOf = (name: string): string => join(dir, 'library', name)

  async function startUp(env: Record<string, string>): Promise<void> {
    const flags = [
      '--library',
      join(dir, 'library'),
      '--listen',
      '127.0.0.1:0',
      '--peer-port',
      '0',
      '--limit-up',
      LIMIT_UP,
    ]
    up = startShoal({ dataDir: join(dir, 'data'), env }, 'up', ...flags)
    const ready = await untilEvent(up, 'ready', AbortSignal.timeout(30_000))
    const token = (await readFile(join(dir, 'data', 'admin.token'), 'utf8')).trim()
    client = new PortalClient({ baseUrl: String(ready.portal), token })
    peerPort = Number(ready.peerPort)
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    stack.defer(() => up[Symbol.asyncDispose]())
    await mkdir(join(dir, 'library'))
    for (const name of [...CHANGES.map(([name]) => name), 'forgotten']) {
      await writeFile(pathOf(name), seededBytes(name, SIZE_BYTES))
      const past = new Date(Math.floor(Date.now() / 1_000 - 100) * 1_000)
      await utimes(pathOf(name), past, past)
    }
    await startUp({})
    for (const [name] of CHANGES) await untilState(name, 'live', 30_000)
    await untilState('forgotten', 'live', 30_000)
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(up.transcript())
  })
  after(() => stack.disposeAsync())

  function untilState(name: string, state: Release['state'], withinMs: number): Promise<Release> {
    const look = async (): Promise<Release | undefined> => {
      const release = await client.release(slug(name), RELEASE)
      return release.state === state ? release : undefined
    }
    return until(`${name} to be ${state}`, look, AbortSignal.timeout(withinMs))
  }

  for (const [name, change, reason] of CHANGES)
    it(`${name}: not one wrong byte is sent, and its release is flagged within five seconds`, async () => {
      const published = seededBytes(name, SIZE_BYTES)
      const { infohash, pieceLengthBytes } = await client.release(slug(name), RELEASE)
      const wanted = blocksOf(pieceLengthBytes)
      let [right, wrong] = [0, 0]
      const ask = (puppet: Puppet): void => {
        const block = wanted.shift()
        if (block !== undefined) puppet.say({ kind: 'request', ...block })
      }
      await takeLease(client, slug(name), RELEASE, '127.0.0.2')
      const puppet = await Puppet.dial(
        tcpNetwork(),
        { host: ipAddress('127.0.0.1'), port: peerPort },
        '127.0.0.2',
        {
          infoHash: infohash,
          onMessage: (message, self) => {
            if (message.kind === 'unchoke') for (let i = 0; i < REQUESTS_OUT; i++) ask(self)
          },
          onBlock(piece, offset, block) {
            const at = piece * pieceLengthBytes + offset
            if (published.subarray(at, at + block.length).equals(block)) right++
            else wrong++
            ask(puppet)
          },
        },
      )
      puppet.say({ kind: 'interested' })
      await until('some of it', () => right >= BLOCKS_BEFORE || undefined, AbortSignal.timeout(20_000))
      // All at once for the origin: rot has no moment in which the file's time is another.
      up.kill('SIGSTOP')
      await change(pathOf(name))
      up.kill('SIGCONT')
      const changedAt = performance.now()
      const flagged = await untilState(name, 'missing', FLAGGED_WITHIN_MS)
      const flaggedMs = Math.round(performance.now() - changedAt)
      assert.match(flagged.reason ?? '', reason)
      await until('it to be hung up on', () => puppet.isClosed || undefined, AbortSignal.timeout(10_000))
      assert.ok(right * BLOCK_BYTES < SIZE_BYTES, 'the change came in the middle')
      assert.equal(wrong, 0)
      recordFigures(`${name} under the seeder`, { blocksSent: right, wrongBlocks: wrong, flaggedMs }, 12)
    })

  it('rotten, and asked for by nobody: is flagged by the scrub, when its day has come', async () => {
    await up[Symbol.asyncDispose]()
    await rot(pathOf('forgotten'))
    const preload = new URL('./support/shifted-clock.ts', import.meta.url).href
    await startUp({ NODE_OPTIONS: `--import=${preload}`, CLOCK_OFF_MS: String(hours(25)) })
    const look = async (): Promise<true | undefined> => {
      const { state, reason } = await client.release(slug('forgotten'), RELEASE)
      return (state === 'missing' && /no longer those that were published/.test(reason ?? '')) || undefined
    }
    await until('the scrub to find it', look, AbortSignal.timeout(60_000))
  })
})

function blocksOf(pieceLengthBytes: number): { piece: number; offset: number; length: number }[] {
  const blocks: { piece: number; offset: number; length: number }[] = []
  for (let at = 0; at < SIZE_BYTES; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, SIZE_BYTES - at)
    blocks.push({ piece: Math.floor(at / pieceLengthBytes), offset: at % pieceLengthBytes, length })
  }
  return blocks
}
