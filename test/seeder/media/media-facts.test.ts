import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { minutes, seconds } from '../../../src/core/units.ts'
import { readMedia, type MediaFacts } from '../../../src/seeder/media/media-facts.ts'
import { MediaThread } from '../../../src/seeder/media/media-thread.ts'
import { mediaOfRelease } from '../../../src/seeder/media/release-media.ts'
import { planRelease } from '../../../src/seeder/plan-release.ts'
import { hostileInputs } from '../../support/corpus.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { needs } from '../../support/needs.ts'
import { mediaFile, type MediaName } from '../support/media-files.ts'
import { scratchFolder, type Scratch } from '../support/scratch.ts'

const ODD_WORKER = new URL('../support/odd-media-worker.ts', import.meta.url)

describe('the facts of a media file', function () {
  this.timeout(60_000)
  let scratch: Scratch

  before(async () => {
    scratch = await scratchFolder()
  })
  after(() => scratch[Symbol.asyncDispose]())

  const factsOf = async (name: MediaName): Promise<MediaFacts> => {
    const facts = await readMedia(mediaFile(name))
    assert.ok(facts !== undefined, name)
    return facts
  }
  const aboutTwo = ({ durationSeconds = 0 }: MediaFacts): boolean =>
    durationSeconds > 1.9 && durationSeconds < 2.3

  describe('made by ffmpeg', () => {
    before(function () {
      needs(this, 'ffmpeg')
    })

    it('are length, size, codecs and title of a video that browsers play from its beginning on', async () => {
      const { durationSeconds, ...facts } = await factsOf('fast.mp4')
      assert.ok(aboutTwo({ ...facts, ...(durationSeconds !== undefined && { durationSeconds }) }))
      assert.deepEqual(facts, {
        kind: 'video',
        title: 'Fire safety 2026',
        widthPx: 320,
        heightPx: 180,
        videoCodec: 'avc',
        audioCodec: 'aac',
        isFaststart: true,
        playsInBrowsers: true,
        warnings: [],
      })
    })

    it('say that the description stands at the end, and how to mend that', async () => {
      const facts = await factsOf('late.mp4')
      assert.equal(facts.isFaststart, false)
      assert.equal(facts.playsInBrowsers, true)
      assert.match(facts.warnings.join(), /end of the file.*\+faststart/)
    })

    it('say what browsers do not play: codec, sound, depth of colour, container', async () => {
      const hevc = await factsOf('hevc.mp4')
      assert.equal(hevc.videoCodec, 'hevc')
      assert.equal(hevc.playsInBrowsers, false)
      assert.match(hevc.warnings.join('\n'), /don't play HEVC \(H\.265\): people can only download it/)
      assert.match(hevc.warnings.join('\n'), /don't play sound in AC-3/)
      for (const [name, said] of [
        ['deep.mp4', /H\.264 of more than 8 bits or 4:2:0/],
        ['film.mkv', /Matroska/],
        ['film.ts', /transport stream/],
      ] as const) {
        const facts = await factsOf(name)
        assert.equal(facts.playsInBrowsers, false, name)
        assert.match(facts.warnings.join(), said)
        assert.ok(aboutTwo(facts), `${name}: ${facts.durationSeconds}`)
      }
    })

    it('are there for every other kind that browsers play, with its length', async () => {
      for (const [name, kind] of [
        ['pieces.mp4', 'video'],
        ['film.webm', 'video'],
        ['talk.mp3', 'audio'],
        ['talk.wav', 'audio'],
        ['talk.flac', 'audio'],
        ['talk.ogg', 'audio'],
      ] as const) {
        const facts = await factsOf(name)
        assert.equal(facts.kind, kind, name)
        assert.ok(aboutTwo(facts), `${name}: ${facts.durationSeconds}`)
        assert.equal(facts.playsInBrowsers, true, name)
        assert.deepEqual(facts.warnings, [], name)
      }
    })

    it('are found whatever the file is called, but not in what is called a document', async () => {
      for (const [name, isRead] of [
        ['-i no option', true],
        ['upload-01ARZ3NDEKTSV', true],
        ['line\nbreak é %03d.mp4', true],
        ['notes.pdf', false],
      ] as const) {
        const path = join(scratch.path, name)
        copyFileSync(mediaFile('talk.mp3'), path)
        assert.equal((await readMedia(path)) !== undefined, isRead, name)
      }
    })

    it('are none, or those of a whole file, where the file was cut', async () => {
      for (const name of ['fast.mp4', 'late.mp4', 'film.webm', 'talk.mp3', 'film.ts'] as const)
        for (const part of [0.02, 0.5, 0.95]) {
          const path = join(scratch.path, `cut-${part}-${name}`)
          copyFileSync(mediaFile(name), path)
          truncateSync(path, Math.floor(part * readFileSync(path).length))
          const facts = await readMedia(path)
          assert.ok(facts === undefined || (facts.durationSeconds ?? 0) < 3, path)
        }
      assert.equal(await readMedia(join(scratch.path, 'cut-0.5-late.mp4')), undefined)
    })
  })

  it('are none of what is no media file, no file, or a way to somewhere else', async () => {
    const at = (name: string): string => join(scratch.path, name)
    writeFileSync(at('empty.mp4'), '')
    writeFileSync(at('text.mp4'), 'not a film\n'.repeat(1_000))
    mkdirSync(at('folder.mp4'))
    symlinkSync('/etc/passwd', at('link.mp4'))
    execFileSync('mkfifo', [at('fifo.mp4')])
    writeFileSync(at('list.mp4'), '#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n')
    for (const name of ['empty', 'text', 'folder', 'link', 'fifo', 'list', 'gone'])
      assert.equal(await readMedia(at(`${name}.mp4`)), undefined, name)
  })

  it('of hostile files are none, or harmless', async () => {
    await using thread = new MediaThread({ timeMax: seconds(3) })
    for (const { name, bytes, mustBeRead } of hostileInputs('media')) {
      const path = join(scratch.path, `hostile-${name}`)
      writeFileSync(path, bytes)
      // the names of sparse files say how large they are: a large end of nothing
      const size = /-(\d+)g-/.exec(name)?.[1]
      if (size !== undefined) truncateSync(path, Number(size) * 1_024 ** 3)
      assert.equal((await thread.read(path)) !== undefined, mustBeRead, name)
    }
  })

  it('are not waited for beyond a limit, whatever the reader does, and the next file is read', async () => {
    const clock = new ManualClock()
    await using thread = new MediaThread({ clock, worker: ODD_WORKER })
    const hanging = thread.read('hangs')
    clock.advance(minutes(1))
    assert.equal(await hanging, undefined)
    for (const name of ['eats', 'throws', 'ends']) assert.equal(await thread.read(name), undefined, name)
    assert.equal((await thread.read('good'))?.format, 'WAVE')
  })

  it('are not read any further when nobody wants them', async () => {
    const gone = new AbortController()
    await using thread = new MediaThread({ worker: ODD_WORKER })
    const reading = thread.read('hangs', gone.signal)
    gone.abort(new Error('no longer'))
    await assert.rejects(reading, /no longer/)
    await assert.rejects(readMedia('x.mp4', gone.signal), /no longer/)
  })
})

describe('the media of a release', function () {
  this.timeout(60_000)
  let scratch: Scratch

  before(async function () {
    needs(this, 'ffmpeg')
    scratch = await scratchFolder()
    const at = (name: string): string => join(scratch.path, 'course', name)
    mkdirSync(at('lessons'), { recursive: true })
    copyFileSync(mediaFile('fast.mp4'), at('lessons/1.mp4'))
    copyFileSync(mediaFile('talk.wav'), at('lessons/sound.wav')) // larger than the video
    copyFileSync(mediaFile('hevc.mp4'), at('lessons/2.mp4'))
    writeFileSync(at('notes.pdf'), 'x'.repeat(1_000_000))
  })
  after(() => scratch[Symbol.asyncDispose]())

  it('is that of all its files; the largest video that browsers play stands for it', async () => {
    const media = await mediaOfRelease(await planRelease(join(scratch.path, 'course')))
    assert.equal(media?.main.path, join(scratch.path, 'course/lessons/1.mp4'))
    assert.equal(media.kind, 'video')
    assert.equal(Math.round(media.durationSeconds ?? 0), 6)
    assert.equal(media.playsInBrowsers, false)
    assert.match(media.warnings.join('\n'), /^lessons\/2\.mp4: Browsers don't play HEVC/m)
  })

  it('has no length when one of its files does not say it', async () => {
    writeFileSync(join(scratch.path, 'course/3.mp4'), 'no film')
    const media = await mediaOfRelease(await planRelease(join(scratch.path, 'course')))
    assert.equal(media?.kind, 'video')
    assert.equal(media.durationSeconds, undefined)
  })

  it('is that of the one file, without its name; of documents there is none', async () => {
    const late = await mediaOfRelease(await planRelease(mediaFile('late.mp4')))
    assert.match(late?.warnings[0] ?? '', /^What describes the video/)
    assert.equal(await mediaOfRelease(await planRelease(join(scratch.path, 'course/notes.pdf'))), undefined)
  })
})
