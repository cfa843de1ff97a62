/** Templates -> HTML. Eta escapes everything that `<%= %>` prints; only the body inside the layout is raw. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'

const eta = new Eta({ views: join(import.meta.dirname, 'templates'), cache: true, autoEscape: true })

/** In the page itself: pages load as little beside what they show as can be. */
const logo = readFileSync(join(import.meta.dirname, '../public/shoal.svg'), 'utf8')

/** What the layout shows around a page. */
export interface PageFrame {
  readonly title: string
  /** What stands in the search field. */
  readonly query: string
  /** Who is signed in, and the token that their forms send back; absent: nobody, and nothing to search. */
  readonly user?: string
  readonly csrfToken?: string
  /** There is a page for them. */
  readonly isOperator?: boolean
  /** There are pages about people for them. */
  readonly seesPeople?: boolean
  /** They may publish. */
  readonly mayPublish?: boolean
  /** The site map is for them. */
  readonly seesSites?: boolean
  /** The audit trail is for them. */
  readonly seesAudit?: boolean
  /** Requests to answer, and answers that they have not seen. */
  readonly news?: number
  /** Its figures are renewed while it is looked at; without JavaScript from `pollUrl`, so that it keeps no session alive. */
  readonly refreshes?: boolean
  readonly pollUrl?: string
  /** Files are uploaded from it. */
  readonly uploads?: boolean
  /** In place of that of all pages: it stands in the page. */
  readonly style?: string | undefined
  /** It has figures: their style. */
  readonly hasFigures?: boolean
  /** It has charts as well: what draws them. */
  readonly hasCharts?: boolean
}

export type Template =
  | 'account'
  | 'activate'
  | 'audit'
  | 'bundle'
  | 'draft'
  | 'grants'
  | 'groups'
  | 'learning'
  | 'library'
  | 'login'
  | 'message'
  | 'operate'
  | 'people'
  | 'person'
  | 'publish'
  | 'publish-library'
  | 'requests'
  | 'sealed-link'
  | 'set-up'
  | 'sites'
  | 'watch'
  | 'welcome'
  | 'who'

export function renderPage(template: Template, frame: PageFrame, data: object = {}): string {
  return eta.render(`./${template}`, { ...data, ...frame, logo })
}
