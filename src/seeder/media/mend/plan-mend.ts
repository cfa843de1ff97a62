/**
 * How an MP4 or QuickTime file whose description (moov) stands at its end is written with it in front: which stretches of it come in
 * which order. No sample is looked at, let alone changed ([ADR 22](../../../../docs/adr/0022-mending-mp4s.md)). Pure.
 */
import { mediaLimits } from '../../../wire/limits-media.ts'
import { outermostBoxes, refused, type Box, type Readable } from './boxes.ts'
import { Moov } from './moov.ts'

export type Part =
  /** As it stands in the file. */
  { readonly from: number; readonly to: number } | { readonly bytes: Uint8Array }

export interface MendPlan {
  readonly parts: readonly Part[]
  readonly sizeBytes: number
}

/** What such a file begins with; QuickTime without a type, too. */
const FIRST: ReadonlySet<string> = new Set([
  'ftyp',
  'styp',
  'wide',
  'free',
  'skip',
  'mdat',
  'pnot',
  'moov',
  'uuid',
])
const FRAGMENTS: ReadonlySet<string> = new Set(['moof', 'mfra', 'sidx', 'ssix'])
const META_BYTES_MAX = 1_048_576

/** @throws ShoalError `bad-input` with a sentence why not; whatever `file` throws. */
export function planMend(file: Readable): MendPlan {
  const boxes = outermostBoxes(file)
  const [first] = boxes
  if (first === undefined || !FIRST.has(first.type)) throw refused('it is no MP4 or QuickTime file')
  if (boxes.some(({ type }) => FRAGMENTS.has(type)))
    throw refused('it is in fragments, which play from the beginning as they are')
  const [moov, second] = boxes.filter(({ type }) => type === 'moov')
  const media = boxes.findIndex(({ type }) => type === 'mdat')
  if (moov === undefined) throw refused('it has no description (moov): it was cut off, or never finished')
  if (second !== undefined) throw refused('it has two descriptions')
  if (media === -1) throw refused('it has no media in it')
  if (boxes.indexOf(moov) < media) throw refused('the description stands in front already')
  if (moov.end - moov.start > mediaLimits.moovBytesMax)
    throw refused('its description is larger than any film needs')
  for (const box of boxes) if (box.type === 'meta' || box.type === 'meco') mustNameNoPlaces(file, box)
  return moving(file, moov, first.type === 'ftyp' ? first.end : 0)
}

/** `to`: where it will stand. */
function moving(file: Readable, moov: Box, to: number): MendPlan {
  const moved = (offset: number, moovBytes: number): number => {
    if (offset < to || offset >= file.sizeBytes || (offset >= moov.start && offset < moov.end))
      throw refused('its description names places where no media are')
    return offset < moov.start ? offset + moovBytes : offset + moovBytes - (moov.end - moov.start)
  }
  const bytes = new Moov(file.read(moov.start, moov.end), moov.bodyStart - moov.start).writtenFor(moved)
  const stretches: Part[] = [{ from: 0, to }, { bytes }, { from: to, to: moov.start }, { from: moov.end, to: file.sizeBytes }] // prettier-ignore
  const parts = stretches.filter((part) => 'bytes' in part || part.to > part.from)
  return { parts, sizeBytes: file.sizeBytes - (moov.end - moov.start) + bytes.length }
}

function mustNameNoPlaces(file: Readable, box: Box): void {
  const isLarge = box.end - box.start > META_BYTES_MAX
  if (isLarge || Buffer.from(file.read(box.start, box.end)).includes('iloc', 0, 'latin1'))
    throw refused('it has pictures in it that are found by their place')
}
