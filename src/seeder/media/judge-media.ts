/**
 * From what stands in a file to what it means: whether browsers play it, and what a publisher should know. Pure. "Browsers"
 * are Chrome, Edge, Firefox and Safari of the last years, without help from the system.
 */
import type { AudioTrack, Container, VideoTrack } from './container.ts'
import type { MediaFacts } from './media-facts.ts'

const PLAYED_FORMATS: ReadonlySet<string> = new Set(['MP4', 'WebM', 'MP3', 'WAVE', 'Ogg', 'FLAC', 'ADTS'])
const PLAYED_VIDEO: ReadonlySet<string> = new Set(['avc', 'vp8', 'vp9', 'av1'])
const PLAYED_AUDIO: ReadonlySet<string> = new Set(['aac', 'mp3', 'opus', 'vorbis', 'flac'])
/** Only in WAVE files. */
const PLAYED_IN_WAVE: ReadonlySet<string> = new Set(['pcm-u8', 'pcm-s16', 'pcm-s24', 'pcm-s32', 'pcm-f32'])

/** As people know them. */
const NAMES: Readonly<Record<string, string>> = {
  hevc: 'HEVC (H.265)',
  prores: 'ProRes',
  ac3: 'AC-3',
  eac3: 'E-AC-3',
  dts: 'DTS',
  ulaw: 'µ-law',
  alaw: 'A-law',
  Matroska: 'Matroska (.mkv)',
  'QuickTime File Format': 'QuickTime (.mov)',
  'MPEG Transport Stream': 'MPEG transport streams (.ts)',
}

export function judgeMedia(container: Container): MediaFacts {
  const { video, audio, durationSeconds, title, isFaststart } = container
  const refusals = refusalsOf(container)
  return {
    kind: video === undefined ? 'audio' : 'video',
    ...(durationSeconds === undefined
      ? {}
      : { durationSeconds: Math.round(1_000 * durationSeconds) / 1_000 }),
    ...(title === undefined ? {} : { title }),
    ...(video === undefined ? {} : { widthPx: video.widthPx, heightPx: video.heightPx }),
    ...(video?.codec === undefined ? {} : { videoCodec: video.codec }),
    ...(audio?.codec === undefined ? {} : { audioCodec: audio.codec }),
    ...(isFaststart === undefined ? {} : { isFaststart }),
    playsInBrowsers: refusals.length === 0,
    warnings: [
      ...refusals,
      ...(isFaststart === false ? [ENDS_WITH_MOOV] : []),
      ...(durationSeconds === undefined ? ['How long it is does not stand in the file.'] : []),
    ],
  }
}

const ENDS_WITH_MOOV =
  'What describes the video (moov) stands at the end of the file, so it plays only when that is there. ' +
  '"shoal publish FILE --mend" moves it to the front, or "ffmpeg -i FILE -c copy -movflags +faststart NEW".'

/** Why browsers do not play it, or not all of it. */
function refusalsOf({ format, video, audio }: Container): string[] {
  const sentences: string[] = []
  if (!PLAYED_FORMATS.has(format))
    sentences.push(`Browsers don't play ${nameOf(format)}: people can only download it.`)
  const picture = video && refusedPicture(video)
  if (picture !== undefined) sentences.push(`Browsers don't play ${picture}: people can only download it.`)
  const sound = audio && refusedSound(audio, format)
  if (sound !== undefined) sentences.push(`Browsers don't play sound in ${sound}.`)
  return sentences
}

function refusedPicture({ codec, parameters }: VideoTrack): string | undefined {
  if (codec === undefined) return 'its kind of video'
  if (!PLAYED_VIDEO.has(codec)) return nameOf(codec)
  // avc1.PPCCLL: profiles above High (100) have more than 8 bits or more than 4:2:0, or are intermediate formats
  const profile = codec === 'avc' ? /^avc[13]\.([0-9a-f]{2})/i.exec(parameters ?? '')?.[1] : undefined
  return profile !== undefined && parseInt(profile, 16) > 100
    ? 'H.264 of more than 8 bits or 4:2:0'
    : undefined
}

function refusedSound({ codec }: AudioTrack, format: string): string | undefined {
  if (codec === undefined) return 'a form that we do not know'
  if (PLAYED_AUDIO.has(codec) || (format === 'WAVE' && PLAYED_IN_WAVE.has(codec))) return undefined
  return codec.startsWith('pcm') ? `uncompressed form (${codec})` : nameOf(codec)
}

const nameOf = (codec: string): string => NAMES[codec] ?? codec
