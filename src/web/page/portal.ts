/** What the page asks of the portal, with its session. */
import type { Watch } from '../../wire/api-watch.ts'
import { infoHash } from '../../core/ids.ts'
import { PieceLayout, type PieceIndex } from '../../core/piece-layout.ts'
import { HASH_BYTES, type Watched } from '../engine/watched.ts'
import { patiently } from './patience.ts'

/** What the server wrote into the page. */
export interface PageFacts {
  /** Of the release in the API: `…/watch` and others are below it. */
  readonly api: string
  readonly file: number
  readonly csrf: string
  readonly diskWorker: string
  readonly durationSeconds: number
  /** Who watches is told that it is recorded, and it is. */
  readonly isRecorded: boolean
}

export function factsOf({ dataset }: HTMLElement): PageFacts {
  return {
    api: dataset['api'] ?? '',
    file: Number(dataset['file'] ?? 0),
    csrf: dataset['csrf'] ?? '',
    diskWorker: dataset['diskWorker'] ?? '',
    durationSeconds: Number(dataset['durationSeconds'] ?? 0),
    isRecorded: 'recorded' in dataset,
  }
}

/** Whoever may not have something is told that it is not there. */
export const NOT_FOR_YOU = 'you are signed out, or may not have this any more'

class BusyError extends Error {}

/** 413: too much of what it does aside is under way. */
const BUSY: ReadonlySet<number> = new Set([413, 429, 500, 502, 503, 504])

/** @throws Error with a sentence for whoever watches. */
export function beginWatch(facts: PageFacts): Promise<Watch> {
  return patiently(
    () => askToWatch(facts),
    (error) => error instanceof BusyError,
  )
}

async function askToWatch({ api, csrf, file }: PageFacts): Promise<Watch> {
  const response = await fetch(`${api}/watch`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
    body: JSON.stringify({ file }),
  }).catch((cause: unknown) => {
    throw new BusyError('the portal does not answer', { cause })
  })
  if (response.status === 401 || response.status === 404) throw new Error(NOT_FOR_YOU)
  if (response.ok) return (await response.json()) as Watch
  const said = (await response.json().catch(() => ({}))) as { readonly detail?: string }
  const sentence = said.detail ?? `the portal answered ${response.status}`
  throw BUSY.has(response.status) ? new BusyError(sentence) : new Error(sentence)
}

/** @throws Error, or ShoalError `bad-input`, when the portal is of another version than this script. */
export function watchedOf(watch: Watch, durationSeconds: number): Watched {
  const layout = new PieceLayout(watch.sizeBytes, watch.pieceLengthBytes)
  const hashes = Uint8Array.from(atob(watch.pieceHashes), (char) => char.charCodeAt(0))
  const first = layout.index(watch.firstPiece)
  const last = layout.index(watch.firstPiece + hashes.length / HASH_BYTES - 1)
  if (first === undefined || last === undefined) throw new Error('hashes of other pieces')
  const seconds = durationSeconds > 0 ? durationSeconds : (watch.durationSeconds ?? 0)
  return {
    infoHash: infoHash(watch.infohash),
    layout,
    first: first satisfies PieceIndex,
    last,
    hashes,
    fileStart: watch.file.startBytes,
    fileBytes: watch.file.sizeBytes,
    durationMs: seconds > 0 ? 1_000 * seconds : guessedMs(watch.file.sizeBytes),
  }
}

/** 4 Mbit/s: between a lecture and a film. */
const guessedMs = (bytes: number): number => bytes / 500
