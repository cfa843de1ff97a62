/** Policy applied to requests and guests. Routes and pages reach both through here only. */
import type { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import type { Slug } from '../../core/ids.ts'
import { type EpochMillis, epochMillis } from '../../core/units.ts'
import type {
  AccessRequest,
  Bundle,
  Guest,
  zBundleChange,
  zDenying,
  zGranting,
  zNewGuest,
  zRequestQuery,
} from '../../wire/api.ts'
import { mayFetch, mustBeAllowed, readBundle } from '../access.ts'
import type { Account } from '../account.ts'
import type { Page } from '../cursor.ts'
import { may } from '../policy.ts'
import type { Services } from '../services.ts'
import { endLostGrants } from '../lost-grants.ts'
import type { RequestScope } from './requests.ts'

/** The answer is the same whether there is such a bundle or not. @throws ShoalError `conflict` for what one may fetch already. */
export async function askForAccess(
  services: Services,
  account: Account,
  { slug, reason }: { readonly slug: Slug; readonly reason: string },
): Promise<{ readonly bundle: Slug; readonly askedAt: string }> {
  const isIn = await mayFetch(services, account, slug).catch(unlessAbsent)
  if (isIn === true) throw new ShoalError('conflict', 'you have access already')
  return { bundle: slug, ...(await services.requests.ask(slug, account.user, reason)) }
}

function unlessAbsent(error: unknown): undefined {
  if (error instanceof ShoalError && error.code === 'not-found') return undefined
  throw error
}

/** Those that this account may answer. */
export const answerable = (account: Account): RequestScope =>
  account.role === 'admin' ? { toAdmin: true } : { toOwner: account.user }

export async function listRequests(
  services: Services,
  account: Account,
  { which, ...query }: z.output<typeof zRequestQuery>,
): Promise<Page<AccessRequest>> {
  const { requests } = services
  if (which === 'asked') return requests.list(answerable(account), query)
  const page = await requests.list({ by: account.user }, query)
  const items = await Promise.all(page.items.map((item) => withoutLostTitle(services, account, item)))
  return { ...page, items }
}

/** What it is called now is no business of somebody whose time is over. */
async function withoutLostTitle(
  services: Services,
  account: Account,
  item: AccessRequest,
): Promise<AccessRequest> {
  if (item.title === null) return item
  const isSeen = await mayFetch(services, account, item.bundle).catch(unlessAbsent)
  return isSeen === true ? item : { ...item, title: null }
}

export async function grantRequest(
  services: Services,
  account: Account,
  id: string,
  { to, until, answer }: z.output<typeof zGranting>,
): Promise<AccessRequest> {
  await mustMayAnswer(services, account, id)
  return services.requests.grant(id, { to, until: timeOf(until), answer, by: account.user })
}

export async function denyRequest(
  services: Services,
  account: Account,
  id: string,
  { answer }: z.output<typeof zDenying>,
): Promise<AccessRequest> {
  await mustMayAnswer(services, account, id)
  return services.requests.deny(id, { answer, by: account.user })
}

/** @throws ShoalError `not-found` for what is not this account's to answer. */
async function mustMayAnswer(services: Services, account: Account, id: string): Promise<void> {
  const row = await services.requests.find(id)
  const bundle = row === undefined ? undefined : await services.catalogue.bundle(row.slug)
  if (bundle === undefined || !may(account, { kind: 'admit-guests', bundle }))
    throw new ShoalError('not-found', 'no such request')
}

export async function listGuests(services: Services, account: Account, slug: Slug): Promise<Guest[]> {
  await mustManageGuests(services, account, slug)
  return services.guests.list(slug)
}

export async function admitGuest(
  services: Services,
  account: Account,
  { slug, name, until }: z.output<typeof zNewGuest> & { readonly slug: Slug; readonly name: string },
): Promise<void> {
  await mustManageGuests(services, account, slug)
  await services.guests.admit(slug, { name, until: timeOf(until), by: account.user })
}

/** Their grants for the bundle end, but of whoever may fetch it by another name as well. */
export async function dismissGuest(
  services: Services,
  account: Account,
  { slug, name }: { readonly slug: Slug; readonly name: string },
): Promise<void> {
  await mustManageGuests(services, account, slug)
  await services.guests.dismiss(slug, name, account.user)
  await endLostGrants(services, { slug }, account.user)
}

/** What is absent stays. Who is not in the audience any more, nor a guest, loses what they have of it. */
export async function changeBundle(
  services: Services,
  account: Account,
  slug: Slug,
  change: z.output<typeof zBundleChange>,
): Promise<Bundle> {
  const bundle = await readBundle(services, account, slug)
  mustBeAllowed(account, { kind: 'change-bundle', bundle })
  const changed = await services.catalogue.changeBundle(slug, change, account.user)
  if (bundle.audience.some((name) => !changed.audience.includes(name)))
    await endLostGrants(services, { slug }, account.user)
  return changed
}

async function mustManageGuests(services: Services, account: Account, slug: Slug): Promise<Bundle> {
  const bundle = await readBundle(services, account, slug)
  mustBeAllowed(account, { kind: 'admit-guests', bundle })
  return bundle
}

const timeOf = (text: string | undefined): EpochMillis | undefined =>
  text === undefined ? undefined : epochMillis(Date.parse(text))
