/**
 * Policy applied: what one may not see is not found, what one sees and may not do is not granted. Routes and
 * pages reach bundles, releases and links through here only.
 */
import type { z } from 'zod'
import { ShoalError } from '../core/errors.ts'
import type { DeviceId, GrantId, ReleaseName, Slug } from '../core/ids.ts'
import type { EpochMillis } from '../core/units.ts'
import { Breath } from '../platform/breath.ts'
import type { Bundle, BundleDetail, Link, zLinkRequest } from '../wire/api.ts'
import { limits } from '../wire/limits.ts'
import { audienceNamesOf, type Account } from './account.ts'
import type { Eyes, StoredRelease } from './catalogue/catalogue.ts'
import { forOursOnly, publicRelease } from './catalogue/rows.ts'
import type { GrantRow } from './database/tables.ts'
import { may, type Action, type BundleFacts } from './policy.ts'
import type { Services } from './services.ts'

/**
 * What a bundle's page shows: the newest releases, each of which is at its own address too, and files of all of
 * them together, which keeps the answer under `limits.apiReplyBytesMax`.
 */
const SHOWN_MAX = { releases: 100, files: 40_000 }
/** No account's name: stands for everybody else. */
const OTHERS = ''
/** The name that always means the newest live release. */
export const LATEST = 'latest'

export type ReleaseDetail = BundleDetail['releases'][number]

/** @throws ShoalError `not-granted`. */
export function mustBeAllowed(account: Account, action: Action): void {
  if (!may(account, action)) throw new ShoalError('not-granted', 'your account may not do this')
}

export function eyesOf(account: Account): Eyes {
  if (account.role !== 'viewer' && account.role !== 'publisher') return 'all'
  return { owner: account.user, audience: audienceNamesOf(account) }
}

/** A bundle that this account may see. */
interface SeenBundle {
  readonly bundle: Bundle
  /** For further questions to policy: a guest is in the audience. */
  readonly facts: BundleFacts
  /** When a guest's time ends. */
  readonly until: EpochMillis | undefined
}

/** @throws ShoalError `not-found` when it is not there, or not for this account. */
export async function readBundle(services: Services, account: Account, slug: Slug): Promise<Bundle> {
  return (await seeBundle(services, account, slug)).bundle
}

/** For whom it is a business who of its audience has it. @throws ShoalError `not-found`, `not-granted`. */
export async function readHolders(services: Services, account: Account, slug: Slug): Promise<Bundle> {
  const { bundle, facts } = await seeBundle(services, account, slug)
  mustBeAllowed(account, { kind: 'read-holders', bundle: facts })
  return bundle
}

/** For whom it is a business who has watched it. @throws ShoalError as {@link readHolders}. */
export async function readLearning(services: Services, account: Account, slug: Slug): Promise<Bundle> {
  const { bundle, facts } = await seeBundle(services, account, slug)
  mustBeAllowed(account, { kind: 'read-learning', bundle: facts })
  return bundle
}

/** Whether this account may have links to it, too: who runs Shoal sees what is not for them. */
export async function mayFetch(services: Services, account: Account, slug: Slug): Promise<boolean> {
  const { facts } = await seeBundle(services, account, slug)
  return may(account, { kind: 'link', bundle: facts, state: 'live', forUser: account.user })
}

async function seeBundle(services: Services, account: Account, slug: Slug): Promise<SeenBundle> {
  const bundle = await services.catalogue.bundle(slug)
  if (bundle === undefined) throw new ShoalError('not-found', 'no such bundle')
  const { owner, audience } = bundle
  // Who may fetch it by its audience is no guest; who sees all may be one, to fetch it.
  if (may(account, { kind: 'link', bundle, state: 'live', forUser: account.user }))
    return { bundle, facts: bundle, until: undefined }
  const term = await services.guests.termOf(slug, audienceNamesOf(account))
  const facts = { owner, audience: [...audience, ...(term?.names ?? [])] }
  if (!may(account, { kind: 'read-bundle', bundle: facts }))
    throw new ShoalError('not-found', 'no such bundle')
  return { bundle, facts, until: term?.until }
}

export interface Readable extends SeenBundle {
  readonly release: StoredRelease
}

/** @throws ShoalError `not-found` when bundle or release is not there, or not for this account. */
export async function readRelease(
  services: Services,
  account: Account,
  { slug, name }: { readonly slug: Slug; readonly name: ReleaseName | typeof LATEST },
): Promise<Readable> {
  const seen = await seeBundle(services, account, slug)
  const { catalogue } = services
  const release = name === LATEST ? await catalogue.latest(slug) : await catalogue.release(slug, name)
  const { facts } = seen
  if (release === undefined || !may(account, { kind: 'read-release', bundle: facts, state: release.state }))
    throw new ShoalError(
      'not-found',
      name === LATEST ? 'this bundle has no live release yet' : 'no such release',
    )
  return { ...seen, release }
}

/**
 * What one may not fetch cannot be watched either.
 * @throws ShoalError `not-found`; `not-granted` for who runs Shoal and sees what is not for them.
 */
export async function readToWatch(
  services: Services,
  account: Account,
  wish: { readonly slug: Slug; readonly name: ReleaseName | typeof LATEST },
): Promise<Readable> {
  const readable = await readRelease(services, account, wish)
  const { facts, release } = readable
  mustBeAllowed(account, { kind: 'link', bundle: facts, state: release.state, forUser: account.user })
  if (release.state !== 'live') throw new ShoalError('not-found', 'this release is not live')
  return readable
}

export async function releaseDetail({ catalogue }: Services, release: StoredRelease): Promise<ReleaseDetail> {
  const { contentName, isSingleFile } = release
  const files = [...(await catalogue.files(release.infohash))]
  return { ...publicRelease(release), contentName, isSingleFile, files }
}

/** @throws ShoalError `not-found`. */
export async function bundleDetail(
  services: Services,
  account: Account,
  slug: Slug,
  shownMax: Readonly<typeof SHOWN_MAX> = SHOWN_MAX,
): Promise<BundleDetail> {
  const { bundle, facts } = await seeBundle(services, account, slug)
  const releases: ReleaseDetail[] = []
  const breath = new Breath()
  let files = 0
  for (const release of await services.catalogue.releases(slug, shownMax.releases)) {
    if (!may(account, { kind: 'read-release', bundle: facts, state: release.state })) continue
    if (breath.isDue) await breath.take() // each may list 100,000 files
    const detail = await releaseDetail(services, release)
    files += detail.files.length
    if (releases.length > 0 && files > shownMax.files) break
    releases.push(detail)
  }
  if (breath.isDue) await breath.take()
  return { ...bundle, releases }
}

/**
 * A link alone opens nothing of a release that is for our clients only, so none is given that looks as if it did. An
 * origin needs no device for it: its certificate is enough.
 */
async function mustBeForOurs(
  services: Services,
  account: Account,
  { release, device }: { readonly release: StoredRelease; readonly device: DeviceId | undefined },
): Promise<void> {
  if (device !== undefined) await mustHaveDevice(services, account, device, { isLive: true })
  else if (release.admit === 'ours' && account.role !== 'origin')
    throw new ShoalError('conflict', forOursOnly(release))
}

export interface LinkWish {
  readonly slug: Slug
  readonly name: ReleaseName | typeof LATEST
  readonly request: z.output<typeof zLinkRequest>
  /** A person on a page gets a grant for their few devices, a token one for a fleet. */
  readonly isPage: boolean
}

/** @throws ShoalError `not-found`, `not-granted`, `conflict` for recalled ones, `bad-input`. */
export async function takeLink(services: Services, account: Account, wish: LinkWish): Promise<Link> {
  const { facts, release, until } = await readRelease(services, account, wish)
  const forUser = wish.request.for ?? account.user
  mustBeAllowed(account, { kind: 'link', bundle: facts, state: release.state, forUser })
  const peersMost = account.role === 'viewer' ? limits.peersPerGrantDefault : limits.peersPerGrantMax
  const peersMax = wish.request.peersMax ?? (wish.isPage ? limits.peersPerGrantDefault : peersMost)
  if (peersMax > peersMost)
    throw new ShoalError('not-granted', `your links are for at most ${peersMost} addresses`)
  await mustBeForOurs(services, account, { release, device: wish.request.device })
  const { password } = wish.request
  // Whoever opens its page has no account: it is for those who may give links to others.
  if (password !== undefined)
    mustBeAllowed(account, { kind: 'link', bundle: facts, state: release.state, forUser: OTHERS })
  if (password !== undefined) await services.passwords.mustBeGood(password, [release.contentName])
  const link = await services.links.create({
    release,
    request: wish.request,
    forUser,
    issuedBy: account.user,
    peersMax,
    notAfter: until,
  })
  if (password === undefined) return link
  const sealing = { password, name: release.contentName, by: account.user }
  return { ...link, pageUrl: await services.sealedLinks.seal(link, sealing) }
}

/**
 * It must be a device of the account's own; an admin's may be anybody's. `isLive`: one that is to get something.
 * @throws ShoalError `not-found`; `not-granted` for a revoked one, where it must be live.
 */
export async function mustHaveDevice(
  { devices }: Services,
  account: Account,
  id: DeviceId,
  { isLive = false }: { readonly isLive?: boolean } = {},
): Promise<void> {
  const device = await devices.find(id)
  if (device === undefined || !may(account, { kind: 'use-device', device }))
    throw new ShoalError('not-found', 'no such device')
  if (isLive && device.revokedAt !== null) throw new ShoalError('not-granted', 'this device was revoked')
}

/** @throws ShoalError `not-found` for a grant that is not this account's to see. */
export async function readGrant(
  { grants }: Services,
  account: Account,
  { id, kind }: { readonly id: GrantId; readonly kind: 'read-grant' | 'renew-grant' | 'revoke-grant' },
): Promise<GrantRow> {
  const row = await grants.find(id)
  if (row === undefined || !may(account, { kind, grant: { forUser: row.for_user, issuedBy: row.issued_by } }))
    throw new ShoalError('not-found', 'no such grant')
  return row
}
