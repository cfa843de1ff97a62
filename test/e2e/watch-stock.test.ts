/** A stock client that speaks WebRTC, among people who watch: a page and the gateway give it what it asks for, and take from it. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeTorrent, parseTorrent } from '../../src/wire/torrent.ts'
import { CHROMIUM } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { Child, until } from '../support/processes.ts'
import { BUNDLE, WatchWorld } from './watch-world.ts'

const AGAIN_AFTER_MS = 15_000
const WEBTORRENT = new URL('../support/stock-clients-webtorrent.ts', import.meta.url).pathname

describe('A stock client among people who watch', function () {
  this.timeout(180_000)
  let world: WatchWorld

  before(async function () {
    needs(this, CHROMIUM, 'ffmpeg')
    world = await WatchWorld.start()
  })
  after(async () => {
    await (world as WatchWorld | undefined)?.[Symbol.asyncDispose]()
  })

  /** The release's .torrent, with nothing in it but our tracker's WebSocket and a grant. */
  async function torrentFor(folder: string): Promise<string> {
    const answer = await fetch(`${world.address}/api/v1/bundles/${BUNDLE}/releases/1/torrent`, {
      headers: { authorization: `Bearer ${world.admin}` },
    })
    const { infoBytes } = parseTorrent(new Uint8Array(await answer.arrayBuffer()))
    const { grant } = await world.watchAs()
    await mkdir(folder)
    const file = join(folder, 'film.torrent')
    await writeFile(file, encodeTorrent({ infoBytes, announce: [[grant.trackerUrl]] }))
    return file
  }

  it('has all of it, byte for byte, by WebRTC alone', async () => {
    const ann = await world.arrive('ann')
    await ann.clickWatch()
    await ann.until('Number(document.querySelector("[data-watch]").dataset.serverBytes) > 3e6')
    const folder = join(world.dir, 'webtorrent')
    const argv = [process.execPath, WEBTORRENT, await torrentFor(folder), folder]
    await using webtorrent = new Child({ argv, graceMs: 500 })
    // On a busy machine its WebRTC loses an answer now and then; as any client does, it asks again.
    const asking = setInterval(() => webtorrent.write('reannounce\n'), AGAIN_AFTER_MS)
    await until(
      'webtorrent to have all of it',
      () => webtorrent.lines.some((line) => line.includes('"isComplete":true')) || undefined,
      AbortSignal.timeout(90_000),
    ).finally(() => clearInterval(asking))
    assert.ok((await readFile(join(folder, 'Fire drill', 'film.mp4'))).equals(await readFile(world.film)))
    await ann.until(
      '((page) => Number(page.dataset.uploadedBytes) > 0 && Number(page.dataset.colleaguesBytes) > 0)(document.querySelector("[data-watch]"))',
    )
    await ann.untilPlays()
    assert.deepEqual(ann.troubles, [])
  })
})
