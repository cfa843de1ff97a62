/** What a peer must do before our machines say a word to it: announce with a grant, from the address that it dials from. */
import { randomBytes } from 'node:crypto'
import { ipAddress } from '../../src/core/address.ts'
import { peerId, type ReleaseName, type Slug } from '../../src/core/ids.ts'
import type { PortalClient } from '../../src/portal-client/index.ts'
import { fetchAnnounce } from '../../src/swarm/index.ts'
import { announceUrl, parseAnnounceReply } from '../../src/wire/announce.ts'
import { parseMagnet } from '../../src/wire/magnet.ts'

/** @throws Error with the tracker's reason when it refuses. */
export async function takeLease(
  client: PortalClient,
  bundle: Slug,
  release: ReleaseName | 'latest',
  from: string,
): Promise<void> {
  const magnet = parseMagnet((await client.createLink(bundle, release)).magnet)
  const request = {
    infoHash: magnet.infoHash,
    peerId: peerId(randomBytes(20).toString('hex')),
    port: 50_000,
    uploadedBytes: 0,
    downloadedBytes: 0,
    leftBytes: 1,
    event: 'started',
    compact: true,
    isOurs: false,
  } as const
  const url = announceUrl(magnet.trackers[0] ?? '', request)
  const answer = parseAnnounceReply(await fetchAnnounce(url, ipAddress(from), AbortSignal.timeout(20_000)))
  if (answer.kind === 'refused') throw new Error(answer.refusal.reason)
}
