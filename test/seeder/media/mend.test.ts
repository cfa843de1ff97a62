import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { ShoalError } from '../../../src/core/errors.ts'
import { errorOfWorker, mendFile } from '../../../src/seeder/media/mend/mend-file.ts'
import { outermostBoxes, type Readable } from '../../../src/seeder/media/mend/boxes.ts'
import { planMend, type MendPlan } from '../../../src/seeder/media/mend/plan-mend.ts'
import { mediaLimits } from '../../../src/wire/limits-media.ts'
import { hostileInputs } from '../../support/corpus.ts'
import { needs } from '../../support/needs.ts'
import {
  box,
  co64,
  fileOf,
  ftyp,
  largeHead,
  moov,
  SparseFile,
  stco,
  trak,
  u32,
  u64,
} from '../support/made-mp4.ts'
import { makeMedia, mediaFile } from '../support/media-files.ts'
import { scratchFolder, type Scratch } from '../support/scratch.ts'

const never = new AbortController().signal
const GiB = 2 ** 30

/** All of it: for small files. */
const written = (file: Readable, { parts }: MendPlan): Buffer =>
  Buffer.concat(parts.map((part) => ('bytes' in part ? part.bytes : file.read(part.from, part.to))))
const typesOf = (bytes: Uint8Array): string[] => outermostBoxes(fileOf(bytes)).map(({ type }) => type)

const CHILD_OF: Readonly<Record<string, string>> = { moov: 'trak', trak: 'mdia', mdia: 'minf', minf: 'stbl' }

/** Where the tables of a small file say that its media are, read without the code that is tried. */
function placesIn(bytes: Buffer, start = 0, end = bytes.length, parent = ''): number[] {
  const places: number[] = []
  for (let at = start; at + 8 <= end;) {
    const said = bytes.readUInt32BE(at)
    const type = bytes.toString('latin1', at + 4, at + 8)
    const body = at + (said === 1 ? 16 : 8)
    const next = said === 0 ? end : at + (said === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : said)
    if (parent === '' ? type === 'moov' : CHILD_OF[parent] === type)
      places.push(...placesIn(bytes, body, next, type))
    else if (parent === 'stbl' && (type === 'stco' || type === 'co64'))
      for (let n = 0; n < bytes.readUInt32BE(body + 4); n++)
        places.push(
          type === 'stco'
            ? bytes.readUInt32BE(body + 8 + 4 * n)
            : Number(bytes.readBigUInt64BE(body + 8 + 8 * n)),
        )
    at = next
  }
  return places
}

describe('Moving the description of a film to the front', () => {
  it('adds its length to every place of media, and changes nothing else', () => {
    const media = box('mdat', Buffer.from('0123456789abcdef'))
    const at = ftyp().length
    const old = [
      ftyp(),
      media,
      moov(trak(stco(at + 8, at + 12)), trak(co64(at + 10)), box('udta', Buffer.from('a title'))),
      box('uuid', Buffer.alloc(20, 7)),
    ]
    const file = fileOf(...old)
    const plan = planMend(file)
    const bytes = written(file, plan)
    assert.equal(bytes.length, plan.sizeBytes)
    assert.deepEqual(typesOf(bytes), ['ftyp', 'moov', 'mdat', 'uuid'])
    const by = old[2]?.length ?? 0
    const wanted = [
      ftyp(),
      moov(
        trak(stco(at + 8 + by, at + 12 + by)),
        trak(co64(at + 10 + by)),
        box('udta', Buffer.from('a title')),
      ),
      media,
      box('uuid', Buffer.alloc(20, 7)),
    ]
    assert.deepEqual(bytes, Buffer.concat(wanted))
    assert.equal(bytes.subarray(at + 8 + by, at + 12 + by).toString(), '0123')
    assert.throws(() => planMend(fileOf(bytes)), /in front already/)
  })

  it('leaves media behind the description where they are', () => {
    const last = box('mdat', Buffer.from('last'))
    const first = box('mdat', Buffer.from('first'))
    const make = (to: number): Buffer => moov(trak(stco(ftyp().length + 8, to)))
    const to = ftyp().length + first.length + make(0).length + 8
    const file = fileOf(ftyp(), first, make(to), last)
    const bytes = written(file, planMend(file))
    assert.deepEqual(bytes, Buffer.concat([ftyp(), moov(trak(stco(ftyp().length + 8 + make(0).length, to))), first, last])) // prettier-ignore
  })

  it('keeps what QuickTime files have: no type, space before the media, zeros at the end of a container, and a rest', () => {
    const description = box('moov', box('mvhd', Buffer.alloc(100)), trak(stco(16)), u32(0))
    const file = fileOf(box('wide'), box('mdat', Buffer.from('media')), description, Buffer.from([0, 0, 0]))
    const bytes = written(file, planMend(file))
    assert.deepEqual(
      bytes,
      Buffer.concat([
        box('moov', box('mvhd', Buffer.alloc(100)), trak(stco(16 + description.length)), u32(0)),
        box('wide'),
        box('mdat', Buffer.from('media')),
        Buffer.from([0, 0, 0]),
      ]),
    )
  })

  it('writes a description whose length was "to the end" with its length', () => {
    const description = moov(trak(stco(ftyp().length + 8)))
    const endless = Buffer.from(description)
    endless.writeUInt32BE(0, 0)
    const file = fileOf(ftyp(), box('mdat', Buffer.from('media')), endless)
    const bytes = written(file, planMend(file))
    assert.deepEqual(typesOf(bytes), ['ftyp', 'moov', 'mdat'])
    assert.equal(bytes.readUInt32BE(ftyp().length), description.length)
  })

  it('makes tables wide whose places no longer fit into 32 bits, and counts what that takes', () => {
    const at = ftyp().length
    const mdatBytes = 4 * GiB
    const make = (first: number, second: number): Buffer =>
      moov(trak(stco(...Array<number>(60).fill(first))), trak(stco(second)), trak(stco(at + 16)))
    const { length } = make(0, 0)
    // over the edge by itself, and only by what the first takes when it is wide
    const [over, nearly] = [4 * GiB - 10, 2 ** 32 - 1 - length - 100]
    const description = make(over, nearly)
    const file = new SparseFile(at + mdatBytes + length, [
      { at: 0, bytes: Buffer.concat([ftyp(), largeHead('mdat', mdatBytes)]) },
      { at: at + mdatBytes, bytes: description },
    ])
    const plan = planMend(file)
    const [, front] = plan.parts
    assert.ok(front !== undefined && 'bytes' in front)
    const by = length + 60 * 4 + 4
    const wide = co64(...Array<number>(60).fill(over + by))
    assert.deepEqual(
      Buffer.from(front.bytes),
      moov(trak(wide), trak(co64(nearly + by)), trak(stco(at + 16 + by))),
    )
    assert.equal(plan.sizeBytes, file.sizeBytes - description.length + by)
  })

  it('refuses with a sentence what it cannot move, whatever a file says of itself', () => {
    const media = box('mdat', Buffer.from('0123456789'))
    const at = ftyp().length + 8
    const good = moov(trak(stco(at)))
    const dref = (flags: number): Buffer => box('dinf', box('dref', u32(0, 1), box('url ', u32(flags))))
    const inMinf = (one: Uint8Array): Buffer =>
      moov(box('trak', box('mdia', box('minf', one, box('stbl', stco(at))))))
    const cases: readonly (readonly [Readable, RegExp])[] = [
      [fileOf(), /no MP4/],
      [fileOf(Buffer.from('RIFF0000WAVEfmt ')), /does not add up|no MP4/],
      [fileOf(ftyp(), media), /no description/],
      [fileOf(ftyp(), good), /no media/],
      [fileOf(ftyp(), good, media), /in front already/],
      [fileOf(ftyp(), media, good, good), /two descriptions/],
      [fileOf(ftyp(), media, good.subarray(0, -1)), /ends too early/],
      [fileOf(ftyp(), media, moov(trak(stco()))), /describes no media/],
      [fileOf(ftyp(), media, moov(trak(stco(at + 1e6)))), /where no media are/],
      [fileOf(ftyp(), media, moov(trak(stco(3)))), /where no media are/],
      [fileOf(ftyp(), media, moov(trak(stco(at + media.length + 20)))), /where no media are/],
      [
        fileOf(ftyp(), media, moov(trak(co64(at), box('co64', u32(0, 1), u64(2 ** 53))))),
        /where no media are/,
      ],
      [fileOf(ftyp(), media, moov(trak(box('stco', u32(0, 0xffff_ffff), u32(at))))), /broken/],
      [fileOf(ftyp(), media, moov(trak(box('stco', u32(0))))), /broken/],
      [fileOf(ftyp(), media, moov(trak(stco(at)), box('mvex'))), /fragments/],
      [fileOf(ftyp(), media, good, box('moof')), /fragments/],
      [fileOf(ftyp(), media, moov(box('cmov'), trak(stco(at)))), /compressed/],
      [fileOf(ftyp(), media, moov(trak(stco(at)), box('pssh'))), /encrypted/],
      [fileOf(ftyp(), media, moov(trak(stco(at), box('saio')))), /encrypted/],
      [fileOf(ftyp(), media, moov(trak(stco(at), box('stsd', u32(0, 1), box('encv'))))), /encrypted/],
      [fileOf(ftyp(), media, inMinf(dref(0))), /in another file/],
      [
        fileOf(ftyp(), media, moov(trak(stco(at)), box('udta', box('meta', box('iloc'))))),
        /found by their place/,
      ],
      [fileOf(ftyp(), media, good, box('meta', u32(0), box('iloc'))), /found by their place/],
      [fileOf(ftyp(), media, good, box('meco', box('meta', u32(0), box('iloc')))), /found by their place/],
      [
        fileOf(ftyp(), media, moov(trak(stco(at)), box('meco', box('meta', box('iloc'))))),
        /found by their place/,
      ],
      [
        fileOf(ftyp(), media, ...Array<Buffer>(mediaLimits.mp4BoxesMax).fill(box('free')), good),
        /more parts/,
      ],
      [fileOf(ftyp(), media, Buffer.from([0, 0, 0, 7, ...Buffer.from('moov')])), /does not add up/],
      [
        new SparseFile(3 * GiB, [
          { at: 0, bytes: Buffer.concat([ftyp(), media, u32(2 * GiB), Buffer.from('moov')]) },
          { at: ftyp().length + media.length + 2 * GiB, bytes: u32(0, 0) },
        ]),
        /larger than any film/,
      ],
    ]
    for (const [file, sentence] of cases)
      assert.throws(
        () => planMend(file),
        (error: unknown) => {
          assert.ok(error instanceof ShoalError && error.code === 'bad-input', String(error))
          assert.match(error.message, sentence)
          return true
        },
      )
    assert.ok(planMend(fileOf(ftyp(), media, inMinf(dref(1)))).sizeBytes > 0)
  })

  it('blames the file for memory alone', () => {
    const outOfMemory = Object.assign(new Error('terminated'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })
    const error = errorOfWorker(outOfMemory)
    assert.ok(error instanceof ShoalError && error.code === 'bad-input')
    assert.equal(errorOfWorker(new TypeError('a bug')) instanceof ShoalError, false)
  })

  it('refuses each kept hostile input, or moves it exactly', () => {
    for (const { name, bytes, mustBeRead } of hostileInputs('mend')) {
      const file = fileOf(bytes)
      if (mustBeRead) assert.equal(written(file, planMend(file)).length, planMend(file).sizeBytes, name)
      else assert.throws(() => planMend(file), ShoalError, name)
    }
    for (const { name, bytes } of hostileInputs('media'))
      assert.throws(() => planMend(fileOf(bytes)), ShoalError, name)
  })

  it('refuses what was mutated, or moves it: places lead to the same bytes as before', () => {
    const media = box('mdat', Buffer.from('0123456789abcdef'))
    const at = ftyp().length + 8
    const valid = Buffer.concat([
      ftyp(),
      media,
      moov(trak(stco(at, at + 4)), trak(co64(at + 8))),
      box('free'),
    ])
    const seen = { moved: 0, refused: 0, places: 0 }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(20),
        (changes, cut) => {
          const bytes = Buffer.from(valid.subarray(0, valid.length - cut))
          for (const [index, value] of changes) if (index < bytes.length) bytes[index] = value
          const file = fileOf(bytes)
          try {
            const plan = planMend(file)
            const after = written(file, plan)
            assert.equal(after.length, plan.sizeBytes)
            const [from, to] = [placesIn(bytes), placesIn(after)]
            assert.equal(from.length, to.length)
            assert.deepEqual(
              to.map((place) => after[place]),
              from.map((place) => bytes[place]),
            )
            seen.places += from.length
            assert.throws(() => planMend(fileOf(after)), /in front already/)
            seen.moved++
          } catch (error) {
            assert.ok(error instanceof ShoalError, String(error))
            seen.refused++
          }
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 2_000) },
    )
    assert.ok(seen.moved > 20 && seen.refused > 20 && seen.places > seen.moved, JSON.stringify(seen))
  })
})

describe('A mended file', function () {
  this.timeout(60_000)
  let scratch: Scratch

  before(async function () {
    scratch = await scratchFolder()
    needs(this, 'ffmpeg')
  })
  after(() => scratch[Symbol.asyncDispose]())

  const frames = (path: string): string =>
    execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-i', `file:${path}`, '-map', '0', '-c', 'copy', '-f', 'framemd5', '-'], { encoding: 'utf8' }) // prettier-ignore
  const decoded = (path: string): string =>
    execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-i', `file:${path}`, '-map', '0:v', '-map', '0:a', '-f', 'framemd5', '-'], { encoding: 'utf8' }) // prettier-ignore
  const mended = async (from: string, name: string): Promise<string> => {
    const to = join(scratch.path, name)
    const before = createHash('sha256').update(readFileSync(from)).digest('hex')
    const { sizeBytes, sha256 } = await mendFile(from, to, () => undefined, never)
    assert.equal(statSync(to).size, sizeBytes)
    assert.equal(createHash('sha256').update(readFileSync(to)).digest('hex'), sha256)
    assert.equal(createHash('sha256').update(readFileSync(from)).digest('hex'), before, 'the original stays')
    return to
  }

  it('has the same frames in the same order, decoded too, and its description in front', async () => {
    const from = mediaFile('late.mp4')
    const to = await mended(from, 'late.mp4')
    assert.deepEqual(typesOf(readFileSync(to)).slice(0, 2), ['ftyp', 'moov'])
    assert.equal(frames(to), frames(from))
    assert.equal(decoded(to), decoded(from))
  })

  it('keeps subtitles, chapters, a time code and tags', async () => {
    const from = join(scratch.path, 'rich.mov')
    const lines = join(scratch.path, 'lines.srt')
    const meta = join(scratch.path, 'chapters.txt')
    writeFileSync(lines, '1\n00:00:00,000 --> 00:00:01,000\nHello\n\n')
    writeFileSync(meta, ';FFMETADATA1\ntitle=Fire safety\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n') // prettier-ignore
    makeMedia(from, ['-i', `file:${mediaFile('late.mp4')}`, '-i', `file:${lines}`, '-i', `file:${meta}`, '-map', '0', '-map', '1', '-map_metadata', '2', '-c', 'copy', '-c:s', 'mov_text', '-timecode', '10:00:00:00']) // prettier-ignore
    const probe = (path: string): unknown => {
      const found = JSON.parse(execFileSync('ffprobe', ['-loglevel', 'error', '-show_streams', '-show_chapters', '-show_format', '-of', 'json', `file:${path}`], { encoding: 'utf8' })) as { format: { filename?: string } } // prettier-ignore
      delete found.format.filename
      return found
    }
    const to = await mended(from, 'rich-mended.mov')
    assert.deepEqual(probe(to), probe(from))
    assert.match(JSON.stringify(probe(to)), /mov_text.*tmcd|tmcd.*mov_text/)
    assert.equal(frames(to), frames(from))
  })

  it('is not there when it could not be made', async () => {
    const to = join(scratch.path, 'refused.mp4')
    await assert.rejects(
      mendFile(mediaFile('fast.mp4'), to, () => undefined, never),
      /in front already/,
    )
    await assert.rejects(
      mendFile(mediaFile('pieces.mp4'), to, () => undefined, never),
      /fragments/,
    )
    await assert.rejects(
      mendFile(join(scratch.path, 'none'), to, () => undefined, never),
      /not there any more/,
    )
    await assert.rejects(mendFile(scratch.path, to, () => undefined, never))
    assert.equal(existsSync(to), false)
  })

  it('is told of while it grows, and is gone when it is stopped', async () => {
    const from = join(scratch.path, 'large.mp4')
    const description = moov(trak(stco(ftyp().length + 16)))
    const mdatBytes = 600 * 1_048_576
    writeFileSync(from, Buffer.concat([ftyp(), largeHead('mdat', mdatBytes)]))
    truncateSync(from, ftyp().length + mdatBytes)
    writeFileSync(from, description, { flag: 'a' })
    const to = join(scratch.path, 'large-mended.mp4')
    const stop = new AbortController()
    const told: number[] = []
    const mending = mendFile(
      from,
      to,
      (doneBytes) => {
        told.push(doneBytes)
        stop.abort(new ShoalError('interrupted', 'stopped'))
      },
      stop.signal,
    )
    await assert.rejects(mending, /stopped/)
    assert.ok(told.length > 0 && (told[0] ?? 0) < mdatBytes)
    assert.equal(existsSync(to), false)
    assert.equal(statSync(from).size, ftyp().length + mdatBytes + description.length)
  })
})
