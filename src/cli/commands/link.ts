import type { Millis } from '../../core/units.ts'
import { readFileBounded, writeFileAtomic } from '../../platform/files.ts'
import { limits } from '../../wire/limits.ts'
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
  readonly passwordFile?: string
}

/** `shoal link`: the bare magnet on standard output, so that it can be piped. */
export async function link(context: Context, target: string, options: object): Promise<void> {
  const { expires, files, torrent, for: person, peers, webSeed, passwordFile } = options as LinkOptions
  const { bundle, release } = bundleAndRelease(target)
  const client = await context.client()
  const made = await client.createLink(bundle, release, {
    expiresInSeconds: Math.max(1, Math.round(expires / 1_000)),
    ...(files.length > 0 ? { files: [...files] } : {}),
    ...(person === undefined ? {} : { for: person }),
    ...(peers === undefined ? {} : { peersMax: peers }),
    ...(webSeed === true ? { webSeed } : {}),
    ...(passwordFile === undefined ? {} : { password: await passwordIn(passwordFile) }),
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
    ...(made.pageUrl === undefined ? {} : { page: made.pageUrl }),
    ...(torrent === undefined ? {} : { torrent }),
  })
  context.output.line(made.pageUrl ?? made.magnet)
}

/** Not in an argument, which others on the machine could read. */
async function passwordIn(file: string): Promise<string> {
  const text = Buffer.from(await readFileBounded(file, limits.tokenFileBytesMax)).toString('utf8')
  return text.replace(/\r?\n$/, '')
}
