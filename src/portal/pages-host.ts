/**
 * The seam between the portal and its pages: all that a page may call. Pages render; who may see and do what is
 * decided behind these calls, which throw ShoalErrors that the app turns into replies.
 *
 * A pages module is a {@link PagesFactory}: it gets the services and gives an Express router, mounted at `/` after
 * the API and after the session middleware (`req.session` is there). Whatever it does not answer is a 404. These
 * addresses are taken already: `/api`, `/docs`, `/dl`, `/metrics`, `/healthz`, `/readyz`, `/.well-known`,
 * `GET /login/CODE`, `POST /login` (form fields `name` and `password`, or `token`, and `next`; goes there, or to `/login?failed=1`),
 * `GET /login/company?next=&invitation=` and its callback (go on, or to `/login?failed=company…`),
 * `POST /welcome/CODE` (form field `password`; goes to `/`, or to `/welcome/CODE?weak=1`), `POST /logout` (form field `_csrf`). Links of the API point people to `/bundles/SLUG`.
 * What a page asks by itself, without anybody doing anything, carries the header `X-Shoal-Poll` (or `?poll`), so that it keeps no session alive.
 */
import type { Request, RequestHandler } from 'express'
import type { Kind } from '../core/kinds.ts'
import type { InfoHash, ReleaseName, Slug } from '../core/ids.ts'
import type { Bundle, BundleChange, BundleDetail, Link, LinkRequest, NewToken } from '../wire/api.ts'
import type { Account } from './account.ts'
import type { AccountPages } from './account-pages.ts'
import type { FoundBundles } from './catalogue/catalogue.ts'
import type { Page } from './cursor.ts'
import type { CreatedToken, TokenInfo } from './people/tokens.ts'
import type { AuditQuery, AuditRow } from './audit.ts'
import type { Operating } from './operating.ts'
import type { FigurePages } from './figure-pages.ts'
import type { GrantView } from './grants/grant-reader.ts'
import type { LearningPages } from './learning-pages.ts'
import type { PeoplePages } from './people-pages.ts'
import type { PublishingPages } from './publishing-pages.ts'
import type { RequestPages } from './request-pages.ts'
import type { SealedPages } from './sealed-pages.ts'
import type { SitePages } from './site-pages.ts'
import type { WatchAssets } from './watching/web-bundle.ts'

export interface ListQuery {
  readonly q?: string | undefined
  readonly tag?: string | undefined
  readonly kind?: Kind | undefined
  readonly sort?: 'newest' | 'title' | undefined
  /** 1..`limits.pageItemsMax`. */
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface PageServices {
  readonly publicUrl: string
  /** Where browsers reach the tracker. */
  readonly trackerOrigin: string
  /** What the page that plays is made of; undefined where there is nothing. */
  watchAssets(): Promise<WatchAssets | undefined>
  /** Who is signed in; undefined for nobody, then show `/login`. */
  account(req: Request): Promise<Account | undefined>
  /** For a hidden field `_csrf` or a header `X-CSRF-Token`. Calling it begins a session where there is none. */
  csrfToken(req: Request): string
  /** @throws 403 when a form was not ours. Call it first in every handler that changes something. */
  mustBeOurPage(req: Request): void
  list(account: Account, query: ListQuery): Promise<FoundBundles>
  /** Without its releases. @throws ShoalError as {@link bundle}. */
  bundleAlone(account: Account, slug: Slug): Promise<Bundle>
  /** @throws ShoalError `not-found`, also for what this account may not see. */
  bundle(account: Account, slug: Slug): Promise<BundleDetail>
  /** How many colleagues have all of it now; undefined where the tracker is in another process. */
  colleagues(infohash: InfoHash): number | undefined
  /** A link for the person on the page, for their few devices. @throws ShoalError as the API does. */
  link(account: Account, wish: { slug: Slug; name: ReleaseName | 'latest' } & LinkRequest): Promise<Link>
  /** @throws ShoalError `not-granted`, `not-found`; ZodError. */
  changeBundle(account: Account, slug: Slug, change: BundleChange): Promise<Bundle>
  /** What is the matter with the media of a release of this bundle: for who may add releases; undefined for others. */
  mediaWarnings(account: Account, bundle: Bundle, infohash: InfoHash): Promise<readonly string[] | undefined>
  /** May this account add releases to the bundle and recall them? */
  mayEdit(account: Account, bundle: Bundle): boolean
  mayRecall(account: Account, bundle: Bundle): boolean
  recall(account: Account, wish: { slug: Slug; name: ReleaseName; reason?: string }): Promise<void>
  /** All for whom that is a business, else those given to the account or by it. */
  grants(
    account: Account,
    query: { limit: number; cursor?: string | undefined; forUser?: string },
  ): Promise<Page<GrantView>>
  seesAllGrants(account: Account): boolean
  mayRevoke(account: Account, grant: GrantView): boolean
  /** Milliseconds since 1970. */
  now(): number
  revoke(account: Account, grant: string): Promise<void>
  /** These three are an admin's. @throws ShoalError `not-granted`. */
  tokens(account: Account): Promise<readonly TokenInfo[]>
  createToken(account: Account, draft: NewToken): Promise<CreatedToken>
  /** May this account see how Shoal runs? */
  isOperator(account: Account): boolean
  /** How it runs at this moment. @throws ShoalError `not-found` for whom that is no business. */
  operating(account: Account): Promise<Operating>
  readonly figures: FigurePages
  readonly learning: LearningPages
  readonly people: PeoplePages
  readonly own: AccountPages
  readonly requests: RequestPages
  readonly publishing: PublishingPages
  readonly sealed: SealedPages
  readonly sites: SitePages
  /** What stands on the button of the company's login (`GET /login/company`); undefined where there is none. */
  readonly companyLabel: string | undefined
  seesAudit(account: Account): boolean
  /** With the kinds of things that have happened. @throws ShoalError `not-found` for whom that is no business. */
  audit(
    account: Account,
    query: AuditQuery,
  ): Promise<Page<AuditRow> & { readonly actions: readonly string[] }>
}

export type PagesFactory = (services: PageServices) => RequestHandler
