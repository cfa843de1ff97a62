import { landingPath, pieceLayoutOf, sizeOf, type Torrent } from '../../core/metainfo.ts'
import { readTorrentFile } from '../../client/index.ts'
import { TrustStore } from '../../portal-client/index.ts'
import { peekGrant } from '../../wire/grant.ts'
import { verifyMagnet } from '../../wire/magnet-signature.ts'
import { parseMagnet, portalOfMagnet, undeclaredHosts, type Magnet } from '../../wire/magnet.ts'
import type { Context } from '../context.ts'
import { readLine } from '../stdin.ts'
import { binaryBytesText, bytesText, table } from '../text.ts'

/** `shoal inspect MAGNET|FILE.torrent`: says what it holds, asks nobody, never prints the grant itself. */
export async function inspect(context: Context, what: string): Promise<void> {
  const text = what === '-' ? await readLine() : what
  if (/^magnet:/i.test(text)) await inspectMagnet(context, parseMagnet(text))
  else inspectTorrent(context, await readTorrentFile(text))
}

async function inspectMagnet(context: Context, magnet: Magnet): Promise<void> {
  const portal = portalOfMagnet(magnet)
  const grant = grantIn(magnet.trackers)
  const trust = await trustOf(context, magnet, portal)
  context.output.event({
    event: 'magnet',
    infohash: magnet.infoHash,
    name: magnet.displayName ?? null,
    sizeBytes: magnet.sizeBytes ?? null,
    portal: portal ?? null,
    grant: grant?.id ?? null,
    expiresAt: grant?.expiresAt ?? null,
    trackers: magnet.trackers.map(hostOf),
    files: magnet.selectOnly ?? null,
    trust,
  })
  const rows = [
    ['infohash', magnet.infoHash],
    ['name', magnet.displayName ?? '-'],
    ['size', magnet.sizeBytes === undefined ? '-' : bytesText(magnet.sizeBytes)],
    ['portal', portal ?? '-'],
    ['trackers', magnet.trackers.map(hostOf).join(', ')],
    ['grant', grant === undefined ? 'none' : `${grant.id}, works until ${grant.expiresAt}`],
    ['trust', trust],
  ]
  for (const [name, value] of rows) context.output.line(`${(name ?? '').padEnd(9)} ${value ?? ''}`)
}

/** In words; from what this machine knows, without asking the portal. */
async function trustOf(context: Context, magnet: Magnet, portal: string | undefined): Promise<string> {
  if (magnet.signature === undefined) return 'unsigned'
  if (portal === undefined) return 'signed, but it names no portal'
  const pinned = await new TrustStore(context.dataDir).find(portal)
  if (pinned === undefined) return 'signed; the portal is not known here'
  const strangers = undeclaredHosts(magnet, pinned.document)
  if (strangers.length > 0) return `not to be trusted: ${strangers.join(', ')} does not belong to ${portal}`
  return (await verifyMagnet(magnet, pinned.document.keys))
    ? `signed by ${portal}, which is trusted here`
    : `not to be trusted: the signature is not one of ${portal}`
}

function grantIn(trackers: readonly string[]): { id: string; expiresAt: string } | undefined {
  for (const url of trackers) {
    const token = new URL(url).searchParams.get('g')
    if (token === null) continue
    try {
      const { claims } = peekGrant(token)
      return { id: claims.id, expiresAt: new Date(claims.expiresAt).toISOString() }
    } catch {
      return undefined // not a grant of ours: nothing to say about it
    }
  }
  return undefined
}

const hostOf = (url: string): string => {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

function inspectTorrent(context: Context, torrent: Torrent): void {
  const { metainfo } = torrent
  const grant = grantIn(torrent.announce.flat())
  const files = metainfo.files.map((f) => ({ path: landingPath(metainfo, f), sizeBytes: f.sizeBytes }))
  context.output.event({
    event: 'torrent',
    infohash: torrent.infoHash,
    name: metainfo.name,
    sizeBytes: sizeOf(metainfo),
    pieceLengthBytes: metainfo.pieceLength,
    pieces: pieceLayoutOf(metainfo).count,
    private: metainfo.isPrivate,
    trackers: torrent.announce.flat().map(hostOf),
    grant: grant?.id ?? null,
    expiresAt: grant?.expiresAt ?? null,
    files,
  })
  const rows = [
    ['infohash', torrent.infoHash],
    ['name', metainfo.name],
    [
      'size',
      `${bytesText(sizeOf(metainfo))} in ${pieceLayoutOf(metainfo).count} pieces of ${binaryBytesText(metainfo.pieceLength)}`,
    ],
    ['private', metainfo.isPrivate ? 'yes' : 'no'],
    ['trackers', torrent.announce.flat().map(hostOf).join(', ')],
    ['grant', grant === undefined ? 'none' : `${grant.id}, works until ${grant.expiresAt}`],
  ]
  for (const [name, value] of rows) context.output.line(`${(name ?? '').padEnd(9)} ${value ?? ''}`)
  for (const line of table(
    ['size', 'file'],
    files.map((f) => [bytesText(f.sizeBytes), f.path]),
  ))
    context.output.line(`  ${line}`)
}
