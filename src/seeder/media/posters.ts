/**
 * Frames of a video as JPEG, by ffmpeg where this machine has it. Foreign bytes meet a large decoder here, so it runs in
 * a process of its own: one thread, low priority, bounded in time, pixels, memory and output; it reads this one file and
 * nothing that the file names.
 */
import { spawn } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { KiB, MiB, seconds } from '../../core/units.ts'
import { systemClock, type Clock } from '../../platform/clock.ts'
import { mediaLimits } from '../../wire/limits-media.ts'
import type { MediaFacts } from './media-facts.ts'

export interface PosterParts {
  /** For the time limit. */
  readonly clock?: Clock
  /** Another program: for tests. */
  readonly program?: string
}

/** Where in the video the candidates are: titles and credits are no pictures. */
const PLACES = { 1: [0.1], 3: [0.1, 0.4, 0.7] } as const
const WIDTH_MAX = 640
const HEIGHT_MAX = 1_140
/** An upright phone's video of 640 pixels' width, at the best of these qualities, is under it. */
const BYTES_MAX = 200 * KiB
/** ffmpeg's scale: 2 is the best, 31 the worst. */
const QUALITIES = [4, 10, 24]
/** The most usual one of so many frames is taken: no black one, none within a fade. */
const FRAMES_LOOKED_AT = 24
const TIME_MAX = seconds(30)
const CPU_SECONDS_MAX = 30
/** 8K; what is larger takes more memory than a poster is worth. */
const PIXELS_MAX = 8_192 * 4_320
const ALLOCATION_BYTES_MAX = 256 * MiB
/** The containers that `read-container.ts` reads videos in, as ffmpeg names them: no playlist, no image sequence. */
const DEMUXERS = 'mov,matroska,webm,ogg,mpegts'

/**
 * At most `count` pictures, at most 640 px wide and 200 KiB each; none without ffmpeg, without a picture in the file, or
 * when it fails. Never throws for what it finds.
 * @throws the signal's reason when it is aborted.
 */
export async function postersOf(
  path: string,
  facts: MediaFacts,
  options: { readonly count: 1 | 3 } & PosterParts,
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const { widthPx = 0, heightPx = 0, durationSeconds = 0 } = facts
  if (facts.kind !== 'video' || widthPx * heightPx > PIXELS_MAX) return []
  const posters: Uint8Array[] = []
  // without a length there is no place but the beginning
  for (const place of PLACES[durationSeconds === 0 ? 1 : options.count]) {
    const poster = await frameAt(path, place * durationSeconds, options, signal)
    if (poster !== undefined) posters.push(poster)
    else if (posters.length === 0) break // it will not go better further on
  }
  return posters
}

let isThere: Promise<boolean> | undefined

/** Asked once: whoever installs it starts Shoal anew. */
export function hasFfmpeg(): Promise<boolean> {
  return (isThere ??= new Promise((resolve) => {
    const asked = spawn('ffmpeg', ['-version'], { stdio: 'ignore' })
    asked.once('error', () => {
      resolve(false)
    })
    asked.once('exit', (code) => {
      resolve(code === 0)
    })
  }))
}

async function frameAt(
  path: string,
  atSeconds: number,
  parts: PosterParts,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  for (const quality of QUALITIES) {
    signal?.throwIfAborted()
    const bytes = await outputOf(argumentsFor(path, atSeconds, quality), parts, signal)
    if (bytes === undefined || !isJpeg(bytes)) return undefined
    if (bytes.length <= BYTES_MAX) return bytes
  }
  return undefined
}

/** `file:` and the absolute path: a name is never taken for an option or for the address of something else. */
function argumentsFor(path: string, atSeconds: number, quality: number): string[] {
  const filters = [
    "scale=w='max(2,trunc(iw*sar/2)*2)':h=ih", // square pixels
    `scale=w='min(${WIDTH_MAX},iw)':h='min(${HEIGHT_MAX},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2`,
    `thumbnail=${FRAMES_LOOKED_AT}`,
    'setsar=1',
    'format=yuvj420p',
  ]
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-timelimit', String(CPU_SECONDS_MAX)],
    ...[
      '-max_alloc',
      String(ALLOCATION_BYTES_MAX),
      '-protocol_whitelist',
      'file',
      '-format_whitelist',
      DEMUXERS,
    ],
    ...[
      '-threads',
      '1',
      '-max_pixels',
      String(PIXELS_MAX),
      '-ss',
      atSeconds.toFixed(3),
      '-i',
      `file:${path}`,
    ],
    ...[
      '-map',
      '0:v:0',
      '-an',
      '-sn',
      '-dn',
      '-map_metadata',
      '-1',
      '-frames:v',
      '1',
      '-vf',
      filters.join(','),
    ],
    ...['-filter_threads', '1', '-threads', '1', '-c:v', 'mjpeg', '-q:v', String(quality)],
    ...['-bitexact', '-f', 'image2pipe', 'pipe:1'],
  ]
}

const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8

/** Undefined when there is no such program, or it fails, takes too long or says too much. */
function outputOf(
  argv: readonly string[],
  { clock = systemClock, program = 'ffmpeg' }: PosterParts,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    })
    const chunks: Buffer[] = []
    let length = 0
    const kill = (): void => void child.kill('SIGKILL')
    const timer = clock.after(TIME_MAX, kill)
    signal?.addEventListener('abort', kill, { once: true })
    const done = (bytes: Uint8Array | undefined): void => {
      timer.cancel()
      signal?.removeEventListener('abort', kill)
      if (signal?.aborted === true)
        reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
      else resolve(bytes)
    }
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > mediaLimits.posterBytesMax * 8) kill()
      else chunks.push(chunk)
    })
    child.on('spawn', () => lower(child.pid))
    child.on('error', () => done(undefined))
    child.on('close', (code) => done(code === 0 ? Buffer.concat(chunks) : undefined))
  })
}

function lower(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // it has ended already
  }
}
