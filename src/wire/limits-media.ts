/** Bounds on what is said and shown of media; as `limits.ts`, of which it is a part of its own. */
import { KiB, MiB } from '../core/units.ts'

export const mediaLimits = {
  // --- media ---
  /** All media of one release together: a year of it. */
  mediaSecondsMax: 366 * 24 * 3_600,
  /** A side of a picture, as containers can say it. */
  mediaPixelsMax: 65_535,
  /** Sentences about a release's media that are kept: a screenful. */
  mediaWarningsMax: 20,
  /** One of them, with the name of a file. */
  mediaWarningCharsMax: 400,
  /** A poster: 640 pixels of width at good quality take 60 KiB. */
  posterBytesMax: 256 * KiB,
  /** A side of a poster: sixteen megabytes when it is decoded. */
  posterPixelsMax: 2_048,
  /** Scans of a progressive poster, each of which costs a pass over all of it: encoders make ten. */
  posterScansMax: 32,
  /** The description (moov) of a film that is moved to the front, all of it in memory twice: a film of three hours has 16 MiB. */
  moovBytesMax: 64 * MiB,
  /** Boxes of an MP4 beside each other: a file that is in one piece has a dozen outermost, and a track for each language. */
  mp4BoxesMax: 10_000,
} as const
