/** Where the scrub is, across restarts. What cannot be read means only that a round begins anew. */
import { infoHash, type InfoHash } from '../core/ids.ts'
import { KiB } from '../core/units.ts'
import { readFileBounded, writeFileAtomic } from '../platform/files.ts'

export interface ScrubPlace {
  /** The release that is being read or was read last; undefined at the beginning of a round. */
  infohash: InfoHash | undefined
  /** Its pieces before this one are read. */
  piece: number
  /** It is done with: the next one is due. */
  isBehind: boolean
  /** When this round began, in milliseconds since 1970. */
  roundBegan: number
  /** Nothing is read before. */
  notBefore: number
}

const PLACE_BYTES_MAX = 4 * KiB

export async function readScrubPlace(file: string, now: number): Promise<ScrubPlace> {
  const fresh = { infohash: undefined, piece: 0, isBehind: false, roundBegan: now, notBefore: now }
  try {
    const text = Buffer.from(await readFileBounded(file, PLACE_BYTES_MAX)).toString()
    const { infohash, piece, isBehind, roundBegan } = JSON.parse(text) as Record<string, unknown>
    if (!Number.isSafeInteger(piece) || Number(piece) < 0 || typeof roundBegan !== 'number') return fresh
    // A round that began in the future was written by a clock that was wrong.
    const began = Math.min(roundBegan, now + ROUND_AHEAD_MAX_MS)
    return {
      infohash: typeof infohash === 'string' ? infoHash(infohash) : undefined,
      piece: Number(piece),
      isBehind: isBehind === true,
      roundBegan: began,
      notBefore: began,
    }
  } catch {
    return fresh
  }
}

/** The next round begins at most so far ahead: a day after the one before. */
const ROUND_AHEAD_MAX_MS = 24 * 3_600_000

export async function writeScrubPlace(file: string, place: ScrubPlace): Promise<void> {
  const { infohash, piece, isBehind, roundBegan } = place
  await writeFileAtomic(file, Buffer.from(JSON.stringify({ infohash, piece, isBehind, roundBegan })))
}
