/** Foreign bytes -> {@link Container}, by mediabunny. Runs in a thread: a hostile file may make it slow, or fail in any way. */
import {
  ADTS,
  CustomSource,
  FLAC,
  Input,
  Logging,
  LogLevel,
  MATROSKA,
  MP3,
  MP4,
  MPEG_TS,
  OGG,
  QTFF,
  WAVE,
  WEBM,
  type InputAudioTrack,
  type InputVideoTrack,
} from 'mediabunny'
import { BoundedFile } from './bounded-file.ts'
import type { AudioTrack, Container, VideoTrack } from './container.ts'
import { isFaststart } from './mp4-order.ts'

/** All but playlists (HLS), which name other files. The stricter ones come first. */
const FORMATS = [MP4, QTFF, WEBM, MATROSKA, WAVE, OGG, FLAC, MPEG_TS, MP3, ADTS]
const TEXT_CHARS_MAX = 400
const SECONDS_MAX = 1_000 * 3_600
const PIXELS_MAX = 65_535

Logging.level = LogLevel.Silent

/** Undefined when it is none, or one in which there is nothing to see or hear. @throws whatever the reader makes of hostile bytes. */
export async function readContainer(path: string): Promise<Container | undefined> {
  using file = new BoundedFile(path)
  const source = new CustomSource({
    getSize: () => file.sizeBytes,
    read: (start, end) => file.read(start, end),
    handleUnhandledError: () => undefined, // of what it read ahead
  })
  using input = new Input({ formats: FORMATS, source })
  if (!(await input.canRead())) return undefined
  const format = (await input.getFormat()).name
  const [picture, sound] = [await input.getPrimaryVideoTrack(), await input.getPrimaryAudioTrack()]
  const video = picture === null ? undefined : await videoOf(picture)
  const audio = sound === null ? undefined : await audioOf(sound)
  if (video === undefined && audio === undefined) return undefined
  return {
    format,
    video,
    audio,
    durationSeconds: await durationOf(input),
    title: await titleOf(input),
    isFaststart: format === MP4.name || format === QTFF.name ? isFaststart(file) : undefined,
  }
}

async function videoOf(track: InputVideoTrack): Promise<VideoTrack | undefined> {
  const [widthPx, heightPx] = [await track.getDisplayWidth(), await track.getDisplayHeight()]
  if (!isSide(widthPx) || !isSide(heightPx)) return undefined
  return {
    codec: (await track.getCodec()) ?? undefined,
    parameters: (await orNull(track.getCodecParameterString()))?.slice(0, TEXT_CHARS_MAX),
    widthPx: Math.round(widthPx),
    heightPx: Math.round(heightPx),
  }
}

const isSide = (pixels: number): boolean => pixels >= 1 && pixels <= PIXELS_MAX

async function audioOf(track: InputAudioTrack): Promise<AudioTrack> {
  return { codec: (await track.getCodec()) ?? undefined }
}

async function durationOf(input: Input): Promise<number | undefined> {
  const said = await orNull(input.getDurationFromMetadata())
  const seconds = said ?? (await orNull(playedTimeOf(input)))
  return seconds !== null && seconds > 0 && seconds <= SECONDS_MAX ? seconds : undefined
}

/** From the first moment on: streams that were recorded begin at any time. */
async function playedTimeOf(input: Input): Promise<number> {
  return (await input.computeDuration()) - (await input.getFirstTimestamp())
}

async function titleOf(input: Input): Promise<string | undefined> {
  const { title } = (await orNull(input.getMetadataTags())) ?? {}
  const plain = title
    ?.slice(0, TEXT_CHARS_MAX)
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return plain === '' ? undefined : plain
}

/** What cannot be read is absent; the rest of the file may be good. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch {
    return null
  }
}
