/**
 * A stranger's JPEG (ITU-T T.81) made fit to be shown to others: its markers are read strictly, and it is written anew
 * with what decoding needs and nothing else. No EXIF, no comment, no second picture, no bytes behind its end.
 */
import { ShoalError } from '../core/errors.ts'
import { mediaLimits } from './limits-media.ts'

export interface Jpeg {
  readonly bytes: Uint8Array
  readonly widthPx: number
  readonly heightPx: number
}

const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const DHT = 0xc4
const DQT = 0xdb
const DRI = 0xdd
/** Adobe's, which says how colours are coded; without it decoders guess. */
const APP14 = 0xee
const COMMENT = 0xfe
/** Baseline, extended and progressive, with Huffman codes: what browsers decode. */
const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2])
const ADOBE = 'Adobe'

const isApplication = (marker: number): boolean => marker >= 0xe0 && marker <= 0xef
const isRestart = (byte: number): boolean => byte >= 0xd0 && byte <= 0xd7

/** @throws ShoalError `bad-input` for what is no whole picture of a usual form, `over-limit` for one that is too large. */
export function cleanJpeg(given: Uint8Array): Jpeg {
  if (given.length > mediaLimits.posterBytesMax)
    throw new ShoalError('over-limit', `a poster has at most ${mediaLimits.posterBytesMax} bytes`)
  return new JpegReader(given).read()
}

class JpegReader {
  readonly #bytes: Buffer
  readonly #kept: Uint8Array[] = [Uint8Array.of(0xff, SOI)]
  #at = 0
  #size: { readonly widthPx: number; readonly heightPx: number; readonly components: number } | undefined
  #scans = 0

  constructor(given: Uint8Array) {
    this.#bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  }

  read(): Jpeg {
    if (this.#marker() !== SOI) throw bad('it does not begin as one')
    for (let marker = this.#marker(); marker !== EOI; marker = this.#marker()) this.#segment(marker)
    if (this.#at !== this.#bytes.length) throw bad('there are bytes behind its end')
    if (this.#size === undefined || this.#scans === 0) throw bad('there is no picture in it')
    this.#kept.push(Uint8Array.of(0xff, EOI))
    const { widthPx, heightPx } = this.#size
    return { bytes: new Uint8Array(Buffer.concat(this.#kept)), widthPx, heightPx }
  }

  /** The next marker's code; before it there may be any number of fill bytes (B.1.1.2). */
  #marker(): number {
    if (this.#byte() !== 0xff) throw bad('a marker is not where it should be')
    let code = this.#byte()
    while (code === 0xff) code = this.#byte()
    return code
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw bad('it ends too early')
    return byte
  }

  #segment(marker: number): void {
    const body = this.#body()
    if (FRAMES.has(marker)) this.#frame(body)
    else if (marker === SOS) this.#scan(body)
    else if (marker === APP14) this.#adobe(body)
    else if (isApplication(marker) || marker === COMMENT) return
    else if (marker !== DHT && marker !== DQT && marker !== DRI)
      throw bad('it is of a form that browsers do not show')
    if (marker === APP14) return
    this.#keep(marker, body)
    if (marker === SOS) this.#kept.push(this.#coded())
  }

  #body(): Buffer {
    if (this.#at + 2 > this.#bytes.length) throw bad('it ends too early')
    const length = this.#bytes.readUInt16BE(this.#at)
    const body = this.#bytes.subarray(this.#at + 2, this.#at + length)
    if (length < 2 || body.length !== length - 2) throw bad('it ends too early')
    this.#at += length
    return body
  }

  #keep(marker: number, body: Uint8Array): void {
    const length = body.length + 2
    this.#kept.push(Uint8Array.of(0xff, marker, length >> 8, length & 0xff), body)
  }

  #frame(body: Buffer): void {
    if (this.#size !== undefined) throw bad('there are two pictures in it')
    const [precision, , , , , components = 0] = body
    if (body.length < 6 || body.length !== 6 + 3 * components) throw bad('its head is not as it should be')
    if (precision !== 8 || (components !== 1 && components !== 3))
      throw bad('it is of a form that browsers do not show')
    const [heightPx, widthPx] = [body.readUInt16BE(1), body.readUInt16BE(3)]
    const most = mediaLimits.posterPixelsMax
    if (heightPx < 1 || widthPx < 1) throw bad('it has no pixels')
    if (heightPx > most || widthPx > most)
      throw new ShoalError('over-limit', `a poster is at most ${most} by ${most} pixels`)
    this.#size = { heightPx, widthPx, components }
  }

  #scan(body: Buffer): void {
    const components = body[0] ?? 0
    if (this.#size === undefined) throw bad('its picture comes before its head')
    if (components < 1 || components > this.#size.components || body.length !== 4 + 2 * components)
      throw bad('a part of its picture is not as it should be')
    if (++this.#scans > mediaLimits.posterScansMax)
      throw new ShoalError('over-limit', `a poster has at most ${mediaLimits.posterScansMax} scans`)
  }

  /** Of ours only what decoders ask: the transform of its colours. */
  #adobe(body: Buffer): void {
    const transform = body[11]
    if (
      body.length < 12 ||
      body.toString('latin1', 0, 5) !== ADOBE ||
      transform === undefined ||
      transform > 2
    )
      return
    this.#keep(APP14, Buffer.concat([Buffer.from(ADOBE), Uint8Array.of(0, 100, 0, 0, 0, 0, transform)]))
  }

  /** Coded bytes up to the next marker; in them an FF is followed by a zero, or restarts the code (B.1.1.5). */
  #coded(): Uint8Array {
    const from = this.#at
    for (;;) {
      const next = this.#bytes.indexOf(0xff, this.#at)
      const code = next === -1 ? undefined : this.#bytes[next + 1]
      if (code === undefined) throw bad('it ends too early')
      if (code !== 0 && !isRestart(code)) {
        this.#at = next
        return this.#bytes.subarray(from, next)
      }
      this.#at = next + 2
    }
  }
}

const bad = (why: string): ShoalError =>
  new ShoalError('bad-input', `this is no JPEG that can be shown: ${why}`)
