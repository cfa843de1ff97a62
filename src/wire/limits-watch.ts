/** The bounds of watching in the browser; a part of `limits.ts`. */
import { MiB } from '../core/units.ts'

export const watchLimits = {
  // --- watching in the browser ---
  /** Releases that are watched at one time, as one who serves browsers is told: those asked for last. */
  watchedReleasesMax: 200,
  /** STUN and TURN servers: browsers say that more than four slow the start of every connection. */
  iceServersMax: 4,
  /** One of them, its user and credential percent-encoded. */
  iceServerCharsMax: 512,
  /** What one person may have of a release from the server in a day, in copies: they look at it, again, in several windows, and jump. */
  watchCopiesPerDayMax: 20,
  /** Answers to one person at a time: the player's two, and two of the page that fetches ahead; a second window. */
  watchAnswersPerPersonMax: 8,
  /** Of all who watch together: a company of thousands begins its day. */
  watchAnswersMax: 1_024,
  /** To a player that asks for all that follows: what plays for a second or two, and then it asks again, maybe colleagues. */
  watchAnswerBytesMax: 1 * MiB,
  /** Captions beside a film: more languages than a company has. */
  watchCaptionsMax: 40,
  /** Addresses of one session description that are tried: a machine has a handful. */
  sdpCandidatesMax: 16,
  /** Connections of the gateway that are being made: each takes a certificate's handshake, and 20 s at the most. */
  gatewayNegotiationsMax: 32,
  /** Of one page at one time: it makes another when it believes the one before dead. */
  gatewayLinksPerPeerMax: 2,
  /** Open ones of one address (IPv6: of one /64), as of a terminal server with many people. */
  gatewayLinksPerAddressMax: 64,
} as const
