/** What pages about requests and guests may call; who may see and do what is decided here. */
import {
  zDenying,
  zGranting,
  zNewGuest,
  zNewRequest,
  zRequestQuery,
  type AccessRequest,
  type Bundle,
  type Guest,
  type RequestState,
} from '../wire/api.ts'
import type { Slug } from '../core/ids.ts'
import type { Account } from './account.ts'
import type { Page } from './cursor.ts'
import { may } from './policy.ts'
import {
  admitGuest,
  answerable,
  askForAccess,
  denyRequest,
  dismissGuest,
  grantRequest,
  listGuests,
  listRequests,
} from './requests/request-access.ts'
import type { Services } from './services.ts'

/** As forms have it: texts. `until`: a date such as 2026-12-31, to the end of that day in UTC; empty: no end. */
export interface GuestForm {
  readonly name: string
  readonly until: string
}

export interface RequestPages {
  /** Requests to answer, and answers that the account has not seen. */
  news(account: Account): Promise<number>
  list(
    account: Account,
    query: { which: 'asked' | 'mine'; state?: RequestState; cursor?: string },
  ): Promise<Page<AccessRequest>>
  /** The account has seen its answers. */
  noteTold(account: Account): Promise<void>
  /** @throws ShoalError `conflict` for what one sees already, `over-limit`; ZodError. */
  ask(account: Account, slug: Slug, reason: string): Promise<void>
  /** @throws ShoalError `not-found` for what is not theirs to answer, `conflict`, `bad-input`; ZodError. */
  grant(account: Account, id: string, form: GuestForm & { readonly answer: string }): Promise<void>
  deny(account: Account, id: string, answer: string): Promise<void>
  mayAdmit(account: Account, bundle: Bundle): boolean
  guests(account: Account, slug: Slug): Promise<readonly Guest[]>
  admit(account: Account, slug: Slug, form: GuestForm): Promise<void>
  dismiss(account: Account, slug: Slug, name: string): Promise<void>
}

export function requestPages(services: Services): RequestPages {
  const { requests } = services
  return {
    async news(account) {
      const [open, untold] = await Promise.all([
        requests.openCount(answerable(account)),
        requests.untoldCount(account.user),
      ])
      return open + untold
    },
    list: (account, { which, state, cursor }) =>
      listRequests(
        services,
        account,
        zRequestQuery.parse({ which, ...(state && { state }), ...(cursor && { cursor }) }),
      ),
    noteTold: ({ user }) => requests.noteTold(user),
    async ask(account, slug, reason) {
      await askForAccess(services, account, { slug, ...zNewRequest.parse({ reason }) })
    },
    async grant(account, id, { name, until, answer }) {
      const granting = zGranting.parse({ ...(name && { to: name }), ...endOf(until), answer })
      await grantRequest(services, account, id, granting)
    },
    async deny(account, id, answer) {
      await denyRequest(services, account, id, zDenying.parse({ answer }))
    },
    mayAdmit: (account, bundle) => may(account, { kind: 'admit-guests', bundle }),
    guests: (account, slug) => listGuests(services, account, slug),
    admit: (account, slug, { name, until }) =>
      admitGuest(services, account, { slug, name: name.trim(), ...zNewGuest.parse(endOf(until)) }),
    dismiss: (account, slug, name) => dismissGuest(services, account, { slug, name }),
  }
}

const endOf = (day: string): { readonly until?: string } =>
  day.trim() === '' ? {} : { until: `${day.trim()}T23:59:59Z` }
