/**
 * From what the person gave to what the engine needs: which release, from which trackers, which files.
 * Trust is decided here, once (`portal-client`'s `admitLink`), before anything is asked of any host.
 */
import { ShoalError } from '../core/errors.ts'
import type { DeviceId, GrantId, InfoHash, ReleaseName, Slug } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { IpAddress } from '../core/address.ts'
import {
  admitLink,
  fetchTorrent,
  type PortalClient,
  trustedWebSeeds,
  type TrustedWebSeed,
  trustPortal,
  type TrustStore,
} from '../portal-client/index.ts'
import type { Link } from '../wire/api.ts'
import type { Magnet } from '../wire/magnet.ts'
import { parseTorrent } from '../wire/torrent.ts'
import type { Target } from './target.ts'
import { readTorrentFile } from './torrent-file.ts'

export interface ResolveParts {
  readonly trust: TrustStore
  /** For bundles: a client of the person's portal. Called only when it is needed. */
  readonly client: (portal: string | undefined) => Promise<PortalClient>
  /** This machine as a device of that portal: called only for a release that is for our clients only. */
  readonly device: (client: PortalClient) => Promise<DeviceId>
  /** The local address to ask from, when one was given. */
  readonly from: { readonly localAddress?: IpAddress }
}

export interface ResolveOptions {
  readonly unsigned: boolean
  /** A portal named with `--trust`. */
  readonly trust?: string
}

/** A release that may be fetched. */
export interface Resolved {
  readonly infoHash: InfoHash
  /** Absent when only peers can give it (BEP 9). */
  readonly torrent?: Torrent
  readonly announce: readonly (readonly string[])[]
  /** BEP 53, from a magnet. */
  readonly selectOnly?: Magnet['selectOnly']
  /** Those that may be asked, when peers do not give what is wanted. */
  readonly webSeeds?: readonly TrustedWebSeed[]
  /** The grant to renew, when this client's token got it. */
  readonly grant?: { readonly id: GrantId; readonly link: Link; readonly client: PortalClient }
  /** For our clients only: the device that it was given to, and its permit of the moment. */
  readonly ours?: { readonly device: DeviceId; readonly permit: string }
  /** Trusted from now on, because no portal was known before. */
  readonly newlyTrusted?: string
}

/** @throws ShoalError with the sentence to show. */
export async function resolve(
  target: Target,
  parts: ResolveParts,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<Resolved> {
  switch (target.kind) {
    case 'magnet':
      return await ofMagnet(target.text, parts, options, signal)
    case 'torrent-file':
      return await ofTorrentFile(target.path, parts, options, signal)
    case 'bundle': {
      const client = await parts.client(target.portal)
      return await ofBundle({ ...target, client }, parts, options, signal)
    }
  }
}

interface Place {
  readonly bundle: Slug
  readonly release: ReleaseName
  readonly client: PortalClient
}

async function ofBundle(
  place: Place,
  parts: ResolveParts,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<Resolved> {
  const { bundle, release, client } = place
  let device: DeviceId | undefined
  let link: Link
  try {
    // For the whole release: which files are wanted is decided here, where a link's limits do not apply.
    link = await client.createLink(bundle, release, {}, signal)
  } catch (error) {
    // Asked only now: most releases are for any client, and cost one request.
    if (!(await isForOurs(place, error, signal))) throw error
    device = await parts.device(client)
    link = await client.createLink(bundle, release, { device }, signal)
  }
  // Who gave us the link is the portal that we were told to ask: it is trusted as with --trust.
  const trust = options.trust ?? new URL(link.torrentUrl).origin
  const admitted = await admit(link.magnet, parts, { ...options, trust }, signal)
  const grant = { id: link.grant.id, link, client }
  if (device === undefined)
    return { ...admitted.resolved, ...(await exactSource(admitted.magnet, parts, signal)), grant }
  const torrent = parseTorrent(await client.torrentOf(bundle, release, signal))
  if (torrent.infoHash !== link.infohash)
    throw new ShoalError('conflict', 'a newer release came up just now: run the same command again')
  const { permit } = await client.permit(link.grant.id, device, signal)
  return { ...admitted.resolved, torrent, grant, ours: { device, permit } }
}

async function isForOurs(
  { bundle, release, client }: Place,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(error instanceof ShoalError) || error.code !== 'conflict') return false
  return (await client.release(bundle, release, signal)).admit === 'ours'
}

async function ofMagnet(
  text: string,
  parts: ResolveParts,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<Resolved> {
  const { magnet, resolved } = await admit(text, parts, options, signal)
  return { ...resolved, ...(await exactSource(magnet, parts, signal)) }
}

async function admit(
  text: string,
  parts: ResolveParts,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<{ readonly magnet: Magnet; readonly resolved: Resolved }> {
  const { magnet, newlyTrusted } = await admitLink(
    text,
    { trust: parts.trust, ...parts.from },
    { unsigned: options.unsigned, ...(options.trust === undefined ? {} : { trustPortal: options.trust }) },
    signal,
  )
  const resolved = {
    infoHash: magnet.infoHash,
    announce: magnet.trackers.filter((url) => /^https?:/.test(url)).map((url) => [url]),
    webSeeds: await trustedWebSeeds(magnet.webSeeds, parts.trust),
    ...(magnet.selectOnly === undefined ? {} : { selectOnly: magnet.selectOnly }),
    ...(newlyTrusted === undefined ? {} : { newlyTrusted }),
  }
  return { magnet, resolved }
}

/** `xs` first; when it does not answer, peers have the metadata (BEP 9). A refusal is final. */
async function exactSource(
  magnet: Magnet,
  parts: ResolveParts,
  signal: AbortSignal,
): Promise<{ torrent?: Torrent }> {
  for (const url of magnet.exactSources) {
    try {
      return { torrent: await fetchTorrent(url, magnet.infoHash, parts.from, signal) }
    } catch (error) {
      if (!(error instanceof ShoalError) || error.code !== 'unavailable') throw error
    }
  }
  return {}
}

async function ofTorrentFile(
  path: string,
  parts: ResolveParts,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<Resolved> {
  const torrent = await readTorrentFile(path)
  const announce = torrent.announce
    .map((tier) => tier.filter((url) => /^https?:/.test(url)))
    .filter((tier) => tier.length > 0)
  if (announce.length === 0) {
    throw new ShoalError(
      'bad-input',
      'this .torrent names no HTTP tracker, so there is nobody to ask: take a fresh one from the portal',
    )
  }
  const asked =
    options.trust === undefined
      ? undefined
      : await trustPortal(options.trust, { trust: parts.trust, ...parts.from }, signal)
  return {
    infoHash: torrent.infoHash,
    torrent,
    announce,
    webSeeds: await trustedWebSeeds(torrent.urlList, parts.trust),
    ...(asked?.isNew === true ? { newlyTrusted: asked.portal.origin } : {}),
  }
}
