/**
 * What a person sees of a film: bench/play.ts says how. Runs as a program, in the network of the player:
 *
 *     node bench/support/player-model.ts URL FILE BYTES_PER_SECOND STARTED_AT
 *
 * FILE: what the film is, to compare. STARTED_AT: when the program that plays was started, in ms since 1970.
 */
import { open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

const [url = '', file = '', rate = '', startedAt = ''] = process.argv.slice(2)
const bytesPerSecond = Number(rate)
await using film = await open(file)
const { size } = await film.stat()

/** A picture needs so much; a player that stood still waits for as much again. */
const PICTURE_BYTES = 256 * 1024
const AHEAD_SECONDS = 30
const JUMP_AFTER_SECONDS = 15
const JUMP_TO = 0.7
const AFTER_JUMP_SECONDS = 30
const STEP_MS = 10

interface View {
  /** From the beginning of this until the first picture. */
  readonly pictureSeconds: number
  readonly stalls: number
  readonly stalledSeconds: number
}

/** Plays from `from` for so long, or to the end. */
async function view(from: number, beganAt: number, seconds: number): Promise<View> {
  const aborter = new AbortController()
  const reading = { bytes: 0, shown: 0, isOver: false }
  const reader = read(from, reading, aborter.signal)
  reader.catch(() => aborter.abort())
  const left = size - from
  const enough = (): boolean => reading.bytes - reading.shown >= Math.min(PICTURE_BYTES, left - reading.shown)
  while (!enough()) await step(aborter.signal)
  const firstAt = Date.now()
  let [stalls, stalledMs, lastAt] = [0, 0, firstAt]
  const until = Math.min(left, seconds * bytesPerSecond)
  while (reading.shown < until) {
    await step(aborter.signal)
    const now = Date.now()
    reading.shown = Math.min(left, reading.shown + (bytesPerSecond * (now - lastAt)) / 1_000)
    lastAt = now
    if (reading.shown <= reading.bytes || reading.bytes >= left) continue
    stalls++
    reading.shown = reading.bytes
    while (!enough()) await step(aborter.signal)
    lastAt = Date.now()
    stalledMs += lastAt - now
  }
  aborter.abort()
  await reader.catch(() => undefined)
  return { pictureSeconds: (firstAt - beganAt) / 1_000, stalls, stalledSeconds: stalledMs / 1_000 }
}

async function step(signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new Error('the film broke off')
  await wait(STEP_MS)
}

async function read(
  from: number,
  reading: { bytes: number; readonly shown: number },
  signal: AbortSignal,
): Promise<void> {
  const answer = await fetch(url, { headers: { range: `bytes=${from}-` }, signal })
  const body: AsyncIterable<Uint8Array> | null = answer.body
  for await (const chunk of body ?? []) {
    const at = from + reading.bytes
    const { buffer } = await film.read(Buffer.alloc(chunk.length), 0, chunk.length, at)
    if (!buffer.equals(chunk)) throw new Error(`wrong at ${at}`)
    reading.bytes += chunk.length
    while (reading.bytes - reading.shown > AHEAD_SECONDS * bytesPerSecond)
      await wait(STEP_MS, undefined, { signal })
  }
}

const first = await view(0, Number(startedAt), JUMP_AFTER_SECONDS)
const second = await view(Math.floor(size * JUMP_TO), Date.now(), AFTER_JUMP_SECONDS)
const result = {
  startSeconds: first.pictureSeconds,
  seekSeconds: second.pictureSeconds,
  stalls: first.stalls + second.stalls,
  stalledSeconds: first.stalledSeconds + second.stalledSeconds,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
