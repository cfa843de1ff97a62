/** The tracker's figures as the portal's page for operators wants them: the two know nothing of each other. */
import type { LiveFigures } from '../portal/index.ts'
import type { Tracker, UdpPort } from '../tracker/index.ts'

export interface LiveParts {
  /** Absent while the process starts. */
  readonly tracker?: Tracker
  readonly udp?: UdpPort
}

export function liveFiguresOf({ tracker, udp }: LiveParts): LiveFigures {
  const stats = tracker?.stats()
  const datagrams = udp?.stats()
  return {
    announces: stats?.outcomes ?? {},
    swarms: stats?.swarms ?? 0,
    peers: (stats?.peers ?? 0) + (stats?.browserPeers ?? 0),
    crossSiteIntroductions: stats?.crossSiteIntroductions ?? 0,
    webSockets: stats?.sockets ?? 0,
    ...(datagrams === undefined ? {} : { udp: { connects: datagrams.connects, dropped: datagrams.dropped } }),
    peersBySite: () => tracker?.peersBySite() ?? [],
    seeds: (infohash) => tracker?.seeds(infohash) ?? 0,
    seedsOf: (infohash, max) => tracker?.seedsOf(infohash, max) ?? [],
  }
}
