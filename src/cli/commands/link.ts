import type { Millis } from '../../core/units.ts'
import { writeFileAtomic } from '../../platform/files.ts'
import { encodeTorrent } from '../../wire/torrent.ts'
import { bundleAndRelease } from '../arguments.ts'
import type { Context } from '../context.ts'

export interface LinkOptions {
  readonly expires: Millis
  readonly files: readonly string[]
  readonly torrent?: string
  readonly for?: string
  readonly peers?: number
  readonly webSeed?: boolean
}

/** `shoal link`: the bare magnet on standard output, so that it can be piped. */
export async function link(context: Context, target: string, options: object): Promise<void> {
  const { expires, files, torrent, for: person, peers, webSeed } = options as LinkOptions
  const { bundle, release } = bundleAndRelease(target)
  const client = await context.client()
  const made = await client.createLink(bundle, release, {
    expiresInSeconds: Math.max(1, Math.round(expires / 1_000)),
    ...(files.length > 0 ? { files: [...files] } : {}),
    ...(person === undefined ? {} : { for: person }),
    ...(peers === undefined ? {} : { peersMax: peers }),
    ...(webSeed === true ? { webSeed } : {}),
  })
  if (torrent !== undefined) {
    // It carries the grant, so it is as private as the link itself.
    const { fetchTorrent } = await import('../../portal-client/index.ts')
    const { infoBytes, announce, urlList } = await fetchTorrent(made.torrentUrl, made.infohash)
    await writeFileAtomic(torrent, encodeTorrent({ infoBytes, announce, urlList }), { mode: 0o600 })
  }
  context.output.event({
    event: 'link',
    magnet: made.magnet,
    grant: made.grant.id,
    expiresAt: made.grant.expiresAt,
    ...(torrent === undefined ? {} : { torrent }),
  })
  context.output.line(made.magnet)
}
