/** The bounds of what transfers report of themselves; a part of `limits.ts`. */
import { hours, minutes } from '../core/units.ts'

export const figureLimits = {
  // --- figures ---
  /** Sessions in one report: a client has one or two, an origin one for each release that somebody fetches. */
  transferItemsMax: 100,
  /** Other ends in one session: all connections of a torrent. Who meets more begins another session. */
  transferEndsMax: 200,
  /** Other ends in one report, at about 90 bytes each. */
  transferEndsPerReportMax: 5_000,
  /** How long one session may last: clients begin another after a day. What is forgotten after three can then come back no more. */
  transferAgeMax: hours(48),
  /** So fast nobody sends or receives: 10 Gbit/s. More is an error or a lie. */
  transferBytesPerSecondMax: 1_250_000_000,
  /** Reports of one grant in a minute, for each address that it is for: one is due, and one more at the end. */
  transferReportsPerAddressMax: 8,
  /** Sessions of one grant within three days, for each address that it is for. */
  transferSessionsPerAddressMax: 32,
  /** How long after a grant has ended, or was revoked, its last report is still taken. */
  transferGrace: minutes(60),
  /** Days that figures may be asked for at once: as many as are kept. */
  figureDaysMax: 731,
  /** Releases that the matrix of who has what shows: the newest. */
  matrixReleasesMax: 12,
  /** Sites in one answer of figures: the largest. */
  figureSitesMax: 500,
} as const
