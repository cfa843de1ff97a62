/** A peer that tells a tracker that it has begun, from a loopback address of its own, as stock clients do. */
import type { IpAddress } from '../../src/core/address.ts'
import type { PeerId } from '../../src/core/ids.ts'
import { sizeOf, type Torrent } from '../../src/core/metainfo.ts'
import { announceUrl } from '../../src/wire/announce.ts'
import { getFrom } from './get-from.ts'

/** One of many, where and as what it is known. */
export interface LoopbackPeer {
  readonly from: IpAddress
  readonly id: PeerId
  /** Where it says to listen; nobody is there. */
  readonly port: number
}

/** `url`: of the tracker, with the grant. @throws Error when it is refused. */
export async function announceFrom(
  { from, id, port }: LoopbackPeer,
  torrent: Torrent,
  url: string,
): Promise<void> {
  const { port: trackerPort, pathname, search } = new URL(url)
  const reply = await getFrom(
    Number(trackerPort),
    from,
    announceUrl(`${pathname}${search}`, {
      infoHash: torrent.infoHash,
      peerId: id,
      port,
      uploadedBytes: 0,
      downloadedBytes: 0,
      leftBytes: sizeOf(torrent.metainfo),
      event: 'started',
      compact: true,
      isOurs: false,
    }),
  )
  if (!reply.includes('8:interval')) throw new Error(`an announce was refused: ${reply.slice(-300)}`)
}
