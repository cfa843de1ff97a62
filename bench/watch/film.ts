/**
 * The film of a run: H.264 and AAC in an MP4 with its index in front, at a constant rate, as a company's recording has.
 * Its picture is small, so that ten decoders fit on one machine, and full of noise, so that its rate is real: the coder has to
 * spend it, and no two pieces are alike. Where not even that fits, a light one has a simple picture, and filler makes up its
 * rate. Made once, kept in `.cache/bench`.
 */
import { existsSync } from 'node:fs'
import { copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runOk } from '../../test/support/processes.ts'
import { filmSeconds, type FilmPlan } from './options.ts'

const CACHE = resolve(import.meta.dirname, '../../.cache/bench')
/** From the key frame before it, a jump has to decode on. */
const KEY_FRAME_EVERY_SECONDS = 2
const AUDIO_KBIT = 96
const FULL = 'nal-hrd=cbr'
/** Coarse, and then filled up to the rate. */
const LIGHT = 'nal-hrd=cbr:filler=1:qpmin=30'
/** Of what is asked for: the container and the last group of frames are beyond it. */
const TOLERANCE = 0.05

/** The path of it, made if it is not there. */
export async function filmOf(
  plan: FilmPlan,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const kind = plan.isLight ? 'light' : 'film'
  const path = join(CACHE, `${kind}-${plan.sizeMb}mb-${plan.mbit}mbit-${plan.framesPerSecond}fps.mp4`)
  if (!existsSync(path)) {
    note(`making a film of ${filmSeconds(plan)} s, once`)
    await mkdir(CACHE, { recursive: true })
    const part = join(CACHE, `part-${process.pid}.mp4`)
    try {
      await runOk(commandOf(plan, part), signal)
      await rename(part, path)
    } finally {
      await rm(part, { force: true })
    }
  }
  const { size } = await stat(path)
  if (Math.abs(size / (plan.sizeMb * 1e6) - 1) > TOLERANCE)
    throw new Error(`${path} has ${size} bytes: not the ${plan.sizeMb} MB that were wanted`)
  return path
}

/** How much of the file stands before its pictures and sound: players reckon as if there were none. */
export async function headBytesOf(film: string): Promise<number> {
  await using file = await open(film)
  const head = Buffer.alloc(8)
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(head, 0, head.length, at)
    if (bytesRead < head.length) throw new Error(`${film} has no mdat`)
    if (head.toString('latin1', 4) === 'mdat') return at
    at += head.readUInt32BE()
  }
}

/** Into a library of its own: by another name of the same file, or a copy where the disk is another. */
export async function putInto(library: string, film: string): Promise<void> {
  const there = join(library, 'film.mp4')
  await link(film, there).catch(() => copyFile(film, there))
}

function commandOf(plan: FilmPlan, to: string): readonly string[] {
  const kbit = Math.round(plan.mbit * 1_000) - AUDIO_KBIT
  const rate = `${kbit}k`
  const picture = `testsrc2=s=320x180:r=${plan.framesPerSecond}`
  const keyFrameEvery = String(Math.round(KEY_FRAME_EVERY_SECONDS * plan.framesPerSecond))
  return [
    ...['ffmpeg', '-hide_banner', '-loglevel', 'error', '-y'],
    ...['-f', 'lavfi', '-i', plan.isLight ? picture : `${picture},noise=alls=60:allf=t`],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
    ...['-t', String(filmSeconds(plan)), '-pix_fmt', 'yuv420p'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', plan.isLight ? LIGHT : FULL],
    ...['-g', keyFrameEvery, '-keyint_min', keyFrameEvery, '-sc_threshold', '0'],
    ...['-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate],
    ...['-c:a', 'aac', '-b:a', `${AUDIO_KBIT}k`, '-movflags', '+faststart', to],
  ]
}
