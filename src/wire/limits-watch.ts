/** The bounds of watching in the browser; a part of `limits.ts`. */

export const watchLimits = {
  // --- watching in the browser ---
  /** Releases that are watched at one time, as one who serves browsers is told: those asked for last. */
  watchedReleasesMax: 200,
  /** STUN and TURN servers: browsers say that more than four slow the start of every connection. */
  iceServersMax: 4,
  /** One of them, its user and credential percent-encoded. */
  iceServerCharsMax: 512,
} as const
