/** What the pages may call, over the portal's services. */
import { ShoalError } from '../core/errors.ts'
import { grantId } from '../core/ids.ts'
import { zBundleChange, zLinkRequest, zNewToken } from '../wire/api.ts'
import {
  bundleDetail,
  eyesOf,
  mustBeAllowed,
  readBundle,
  readGrant,
  readRelease,
  takeLink,
} from './access.ts'
import { accountPages } from './account-pages.ts'
import { auditActions, auditPage } from './audit.ts'
import { figurePages } from './figure-pages.ts'
import { csrfTokenOf, mustBeOurPage, sessionAccount } from './http/sessions.ts'
import { operatingNow } from './operating.ts'
import { learningPages } from './learning-pages.ts'
import type { PageServices } from './pages-host.ts'
import { may } from './policy.ts'
import { peoplePages } from './people-pages.ts'
import { publishingPages } from './publishing-pages.ts'
import { requestPages } from './request-pages.ts'
import { changeBundle } from './requests/request-access.ts'
import { sealedPages, type PageAttempts } from './sealed-pages.ts'
import type { Services } from './services.ts'
import { sitePages } from './site-pages.ts'

export function pageServices(services: Services, attempts: PageAttempts): PageServices {
  const { catalogue, grants, ledger, tokens, clock, db } = services
  return {
    publicUrl: services.publicUrl,
    trackerOrigin: services.trackers[0] ?? services.publicUrl,
    watchAssets: () => services.webBundle.assets(),
    account: (req) => sessionAccount(services, req),
    csrfToken: csrfTokenOf,
    mustBeOurPage,
    list: (account, query) => catalogue.bundles({ ...query, eyes: eyesOf(account) }),
    bundleAlone: (account, slug) => readBundle(services, account, slug),
    bundle: (account, slug) => bundleDetail(services, account, slug),
    mediaWarnings: async (account, bundle, infohash) =>
      may(account, { kind: 'add-release', bundle }) ? await services.media.warnings(infohash) : undefined,
    colleagues: (infohash) => services.live?.seeds(infohash),
    link: (account, { slug, name, ...request }) =>
      takeLink(services, account, { slug, name, request: zLinkRequest.parse(request), isPage: true }),
    changeBundle: (account, slug, change) =>
      changeBundle(services, account, slug, zBundleChange.parse(change)),
    mayEdit: (account, bundle) => may(account, { kind: 'add-release', bundle }),
    mayRecall: (account, bundle) => may(account, { kind: 'recall-release', bundle }),
    async recall(account, wish) {
      const { bundle, release } = await readRelease(services, account, wish)
      mustBeAllowed(account, { kind: 'recall-release', bundle })
      const reason = wish.reason ?? `recalled by ${account.user}`
      const done = await catalogue.happen(release.infohash, { kind: 'recalled', reason }, account.user)
      if (done === undefined) throw new ShoalError('conflict', 'this release was recalled already')
    },
    grants: (account, query) => {
      const concerning = may(account, { kind: 'read-all-grants' }) ? undefined : account.user
      return grants.list({ ...query, concerning })
    },
    seesAllGrants: (account) => may(account, { kind: 'read-all-grants' }),
    mayRevoke: (account, { for: forUser, issuedBy }) =>
      may(account, { kind: 'revoke-grant', grant: { forUser, issuedBy } }),
    now: () => clock.epoch(),
    async revoke(account, grant) {
      const { id } = await readGrant(services, account, { id: grantId(grant), kind: 'revoke-grant' })
      await ledger.commit({ kind: 'revoke', id, at: clock.epoch(), by: account.user })
    },
    async tokens(account) {
      mustBeAllowed(account, { kind: 'manage-tokens' })
      return tokens.list()
    },
    async createToken(account, draft) {
      mustBeAllowed(account, { kind: 'manage-tokens' })
      return tokens.create(zNewToken.parse(draft), account.user)
    },
    isOperator: (account) => may(account, { kind: 'read-metrics' }),
    async operating(account) {
      if (!may(account, { kind: 'read-metrics' })) throw new ShoalError('not-found', 'no such page')
      return operatingNow(services)
    },
    figures: figurePages(services),
    learning: learningPages(services),
    people: peoplePages(services),
    own: accountPages(services, attempts.nameAttempts),
    sealed: sealedPages(services, attempts),
    sites: sitePages(services),
    requests: requestPages(services),
    publishing: publishingPages(services),
    companyLabel: services.company?.login.label,
    seesAudit: (account) => may(account, { kind: 'read-audit' }),
    async audit(account, query) {
      if (!may(account, { kind: 'read-audit' })) throw new ShoalError('not-found', 'no such page')
      return { ...(await auditPage(db, query)), actions: await auditActions(db) }
    },
  }
}
