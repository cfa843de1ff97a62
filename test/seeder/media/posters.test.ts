import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMedia, type MediaFacts } from '../../../src/seeder/media/media-facts.ts'
import { postersOf } from '../../../src/seeder/media/posters.ts'
import { RecentMedia } from '../../../src/seeder/media/recent-media.ts'
import { planRelease } from '../../../src/seeder/plan-release.ts'
import { needs } from '../../support/needs.ts'
import { makeMedia, mediaFile } from '../support/media-files.ts'
import { scratchFolder, type Scratch } from '../support/scratch.ts'

const FACTS: MediaFacts = {
  kind: 'video',
  durationSeconds: 2,
  widthPx: 320,
  heightPx: 180,
  playsInBrowsers: true,
  warnings: [],
}

describe('posters of a video', function () {
  this.timeout(60_000)
  let scratch: Scratch

  before(async function () {
    needs(this, 'ffmpeg')
    scratch = await scratchFolder()
  })
  after(() => (scratch as Scratch | undefined)?.[Symbol.asyncDispose]())

  /** As ffprobe sees a picture. */
  const sidesOf = (jpeg: Uint8Array): number[] => {
    const path = join(scratch.path, 'poster.jpg')
    writeFileSync(path, jpeg)
    const probe = spawnSync('ffprobe', [
      ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'stream=width,height'],
      ...['-of', 'csv=p=0', path],
    ])
    return probe.stdout.toString().trim().split(',').map(Number)
  }

  it('are one good frame, or three of different moments, as JPEG', async () => {
    const path = mediaFile('fast.mp4')
    const [one, ...none] = await postersOf(path, FACTS, { count: 1 })
    assert.ok(one !== undefined && none.length === 0)
    assert.deepEqual(sidesOf(one), [320, 180])
    const three = await postersOf(path, FACTS, { count: 3 })
    assert.equal(new Set(three.map((jpeg) => Buffer.from(jpeg).toString('base64'))).size, 3)
    const { durationSeconds: _, ...unknown } = FACTS
    assert.equal((await postersOf(path, unknown, { count: 3 })).length, 1)
  })

  it('are made for the others who look, when one of them goes', async () => {
    const plan = await planRelease(mediaFile('fast.mp4'))
    const media = new RecentMedia()
    const gone = new AbortController()
    const [first, second] = [
      media.framesOf(plan, gone.signal),
      media.framesOf(plan, new AbortController().signal),
    ]
    gone.abort()
    await assert.rejects(first, { name: 'AbortError' })
    assert.equal((await second).length, 3)
    await assert.rejects(media.of(plan, gone.signal), { name: 'AbortError' })
    assert.equal((await media.of(plan))?.kind, 'video')
  })

  it('are at most 640 pixels wide and 200 KiB, upright where the video is', async () => {
    const path = join(scratch.path, 'noise.mp4')
    makeMedia(path, [
      ...[
        '-f',
        'lavfi',
        '-i',
        'color=gray:size=720x1280:rate=2:duration=1',
        '-vf',
        'noise=alls=100:allf=t+u',
      ],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-qp', '10'],
    ])
    const facts = await readMedia(path)
    assert.ok(facts !== undefined)
    const [poster] = await postersOf(path, facts, { count: 1 })
    assert.ok(poster !== undefined && poster.length <= 200 * 1_024, `${poster?.length}`)
    const [width = 0, height = 0] = sidesOf(poster)
    assert.ok(width > 600 && width <= 640 && height > width, `${width} x ${height}`)
  })

  it('are made whatever the file is called', async () => {
    for (const name of ['-f null.mp4', 'http:x.mp4', 'é %03d.mp4', 'line\nbreak.mp4', 'a|b\'"$(id).mp4']) {
      const path = join(scratch.path, name)
      copyFileSync(mediaFile('fast.mp4'), path)
      assert.equal((await postersOf(path, FACTS, { count: 1 })).length, 1, name)
    }
  })

  it('are never of another file that this one names', async () => {
    const secret = mediaFile('fast.mp4')
    for (const [name, text] of [
      ['concat.mp4', `ffconcat version 1.0\nfile '${secret}'\n`],
      ['list.mp4', `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:${secret}\n#EXT-X-ENDLIST\n`],
      ['list.m3u8', `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:${secret}\n#EXT-X-ENDLIST\n`],
    ] as const) {
      const path = join(scratch.path, name)
      writeFileSync(path, text)
      assert.deepEqual(await postersOf(path, FACTS, { count: 1 }), [], name)
    }
  })

  it('are none of sound, of garbage, of more pixels than are worth it, and without ffmpeg', async () => {
    const path = mediaFile('fast.mp4')
    const garbage = join(scratch.path, 'garbage.mp4')
    writeFileSync(garbage, 'x'.repeat(10_000))
    assert.deepEqual(await postersOf(mediaFile('talk.mp3'), { ...FACTS, kind: 'audio' }, { count: 1 }), [])
    assert.deepEqual(await postersOf(garbage, FACTS, { count: 3 }), [])
    const huge = { ...FACTS, widthPx: 60_000, heightPx: 60_000 }
    assert.deepEqual(await postersOf(path, huge, { count: 1 }), [])
    assert.deepEqual(await postersOf(path, FACTS, { count: 1, program: '/nowhere/ffmpeg' }), [])
  })

  it('are not made any further when nobody wants them', async () => {
    const gone = new AbortController()
    const making = postersOf(mediaFile('fast.mp4'), FACTS, { count: 3 }, gone.signal)
    gone.abort(new Error('no longer'))
    await assert.rejects(making, /no longer/)
  })
})
