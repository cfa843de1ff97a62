/**
 * Who gets a browser's offers. It has few (five, commonly), each for one peer: most stay in the site, and one in
 * four goes out of it, so that no site has only pieces that all of it has.
 */

/** Pure; in the order of their importance. What one side lacks, the other may have. */
export function chooseIntroductions<Peer>(
  offers: number,
  sameSite: readonly Peer[],
  otherSites: readonly Peer[],
): Peer[] {
  const reserved = offers >= 2 ? Math.min(otherSites.length, Math.max(1, Math.floor(offers / 4))) : 0
  const near = sameSite.slice(0, offers - reserved)
  return [...near, ...otherSites.slice(0, offers - near.length)]
}
