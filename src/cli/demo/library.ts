/** The demo's library: a course with a real playable video, made by ffmpeg where it is installed. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { seededRandom } from '../../core/random.ts'
import { MiB } from '../../core/units.ts'

export const COURSE_TITLE = 'Fire safety 2026'
export const COURSE_SLUG = 'fire-safety-2026'
/** Enough that sharing it shows, little enough for a minute. */
const COURSE_BYTES = 12 * MiB
const VIDEO_SECONDS = 20

/** What was made, and how: the person is told when the video is the small one of the repository. */
export interface DemoLibrary {
  readonly folder: string
  readonly course: string
  readonly madeByFfmpeg: boolean
}

export async function makeLibrary(folder: string): Promise<DemoLibrary> {
  const course = join(folder, COURSE_TITLE)
  await mkdir(course, { recursive: true })
  const sample = join(import.meta.dirname, 'sample.mp4')
  await copyFile(sample, join(folder, 'Welcome to Shoal.mp4'))
  const video = join(course, 'Évacuation – 100 % calm.mp4')
  const madeByFfmpeg = await tryFfmpeg(video)
  if (!madeByFfmpeg) await copyFile(sample, video)
  await writeFile(
    join(course, 'captions.vtt'),
    'WEBVTT\n\n00:00.000 --> 00:05.000\nLeave by the nearest exit.\n',
  )
  await writeFile(join(course, 'Hand-out #1.txt'), 'Alarm: leave. Smoke: stay low. Lift: never.\n')
  const bulk = COURSE_BYTES - (await stat(video)).size
  if (bulk > 0) await writeFile(join(course, 'floor plans.bin'), pseudoRandomBytes(bulk))
  return { folder, course, madeByFfmpeg }
}

/** False when there is no ffmpeg, or it cannot encode H.264. */
async function tryFfmpeg(output: string): Promise<boolean> {
  const length = `duration=${VIDEO_SECONDS}`
  const arguments_ = ['-hide_banner', '-loglevel', 'error', '-y']
    .concat('-f', 'lavfi', '-i', `testsrc2=size=960x540:rate=25:${length}`)
    .concat('-f', 'lavfi', '-i', `sine=frequency=440:${length}`)
    .concat('-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '3M', '-maxrate', '3M', '-bufsize', '3M')
    .concat('-pix_fmt', 'yuv420p', '-c:a', 'aac', '-movflags', '+faststart', output)
  try {
    await promisify(execFile)('ffmpeg', arguments_, { timeout: 60_000 })
    return true
  } catch {
    return false // the small video of the repository serves as well
  }
}

/** Bytes that do not compress, the same at each run. */
function pseudoRandomBytes(length: number): Uint8Array {
  const random = seededRandom(2026)
  const words = new Uint32Array(Math.ceil(length / 4)).map(() => random() * 2 ** 32)
  return new Uint8Array(words.buffer, 0, length)
}
