/** The bounds of publishing, and of what operators write: a part of `limits.ts`. */
import { KiB, MiB, minutes, seconds } from '../core/units.ts'

export const publishingLimits = {
  // --- publishing ---
  /** Files in one release: as many as a torrent may list. */
  publishFilesMax: 100_000,
  /** Folders within folders: deeper paths are longer than systems take. */
  publishDepthMax: 64,
  /** A path of an upload, or below the library: longer ones many systems cannot open. */
  uploadPathCharsMax: 2_048,
  /** Files told of in one request: with long paths they fit into `apiBodyBytesMax`. */
  uploadFilesAtOnceMax: 400,
  /** Files of one upload: each is a row and some requests; of more an archive is made, or `shoal publish` takes the folder. */
  uploadFilesMax: 20_000,
  /** Drafts that one person may have open. */
  draftsOpenMax: 100,
  /** How long a draft that nobody touches keeps its files. */
  draftLife: minutes(30 * 24 * 60),
  /** Files and folders of the library that are shown at once. */
  libraryListingMax: 1_000,
  /** Files that a review lists. */
  reviewFilesMax: 200,
  /** How long an upload may send nothing before it is cut; its next request goes on where it was. */
  uploadSilenceMax: seconds(60),
  /** A `.shoalignore` file. */
  ignoreFileBytesMax: 64 * KiB,
  /** A sites file: 10,000 ranges. */
  sitesFileBytesMax: 1 * MiB,
  /** `wan=` of a site, bytes a second: 8 Tbit/s, more than any link of a company, and exact in every format. */
  siteWanBytesPerSecondMax: 1_000_000_000_000,
  /** Rate limits by the hours of the week: twenty spans with their rates, more than a week that people plan has. */
  rateScheduleCharsMax: 512,
  /** Films that are written anew, and that wait for it: one at a time, minutes each. */
  mendsWaitingMax: 50,
  /** Of one person: a course, so that ten of them keep nobody else from mending theirs. */
  mendsPerOwnerMax: 10,
} as const
