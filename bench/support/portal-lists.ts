/** The kinds of lists and searches that people ask a portal for, many different ones of each. */
import { seededRandom } from '../../src/core/random.ts'
import type { Ask, HttpLoad } from './http-load.ts'
import { AUDIT, KINDS_THERE, RARE_TAG } from './library.ts'
import type { Tokens } from './portal-tokens.ts'
import { codeOf, frequentOf, KINDS, oneOf, PLACES, TAGS, TOPICS } from './words.ts'

export interface ListingParts {
  readonly load: HttpLoad
  readonly tokens: Tokens
  readonly bundles: number
  /** Rows of the audit trail; 0: it is not asked. */
  readonly audit: number
  /** Of each kind. */
  readonly requests: number
}

type Query = Readonly<Record<string, string>>

export async function listings(parts: ListingParts): Promise<Readonly<Record<string, readonly Ask[]>>> {
  const { tokens, bundles, requests } = parts
  const random = seededRandom(7)
  const many = (token: string, query: () => Query): readonly Ask[] =>
    Array.from({ length: requests }, () => ({ path: pathOf(query()), token }))
  const deep = (await cursorsOf(parts, tokens.admin)).slice(-200)
  const deepOfViewer = (await cursorsOf(parts, tokens.viewer)).slice(-100)
  const word = (): string => oneOf(TOPICS, random).toLowerCase().split(' ')[0] ?? ''
  const common = (): string => frequentOf(KINDS, random)
  const searches = {
    searchCommonWord: () => ({ q: common() }),
    searchTwoWords: () => ({ q: `${word()} ${common()}` }),
    searchThreeWords: () => ({ q: `${word()} ${common()} ${oneOf(PLACES, random)}` }),
    searchRareWord: () => ({ q: codeOf(Math.floor(random() * bundles)) }),
    searchPrefix: () => ({ q: word().slice(0, 2 + Math.floor(random() * 3)) }),
    searchSlip: () => ({ q: slipOf(word(), random) }),
    searchNoHit: () => ({ q: `zz${codeOf(Math.floor(random() * bundles))}` }),
    searchCommonOfTag: () => ({ q: common(), tag: oneOf(TAGS, random) }),
    searchCommonOfRareTag: () => ({ q: common(), tag: RARE_TAG }),
    searchCommonOfKind: () => ({ q: common(), kind: KINDS_THERE.some }),
  }
  return {
    firstPage: many(tokens.admin, () => ({})),
    deepPage: many(tokens.admin, () => ({ cursor: oneOf(deep, random) })),
    firstPageOfViewer: many(tokens.viewer, () => ({})),
    firstPageOfManager: many(tokens.manager, () => ({})),
    deepPageOfViewer: many(tokens.viewer, () => ({ cursor: oneOf(deepOfViewer, random) })),
    byTitle: many(tokens.admin, () => ({ sort: 'title' })),
    byTitleOfViewer: many(tokens.viewer, () => ({ sort: 'title' })),
    tag: many(tokens.admin, () => ({ tag: oneOf(TAGS, random) })),
    tagOfViewer: many(tokens.viewer, () => ({ tag: oneOf(TAGS, random) })),
    rareTag: many(tokens.viewer, () => ({ tag: RARE_TAG })),
    kind: many(tokens.admin, () => ({ kind: KINDS_THERE.some })),
    kindOfViewer: many(tokens.viewer, () => ({ kind: KINDS_THERE.common })),
    rareKindOfViewer: many(tokens.viewer, () => ({ kind: KINDS_THERE.rare })),
    kindAndTagOfViewer: many(tokens.viewer, () => ({ kind: KINDS_THERE.some, tag: oneOf(TAGS, random) })),
    rareKindAndTag: many(tokens.viewer, () => ({ kind: KINDS_THERE.rare, tag: oneOf(TAGS, random) })),
    kindAndRareTag: many(tokens.viewer, () => ({ kind: KINDS_THERE.common, tag: RARE_TAG })),
    unknownTag: many(tokens.viewer, () => ({ tag: codeOf(Math.floor(random() * bundles)) })),
    ...Object.fromEntries(Object.entries(searches).map(([name, query]) => [name, many(tokens.admin, query)])),
    ...Object.fromEntries(
      Object.entries(searches).map(([name, query]) => [`${name}OfViewer`, many(tokens.viewer, query)]),
    ),
  }
}

/** Two letters of the word changed round, as hands do. */
function slipOf(word: string, random: () => number): string {
  const at = Math.floor(random() * Math.max(1, word.length - 1))
  return word.slice(0, at) + (word[at + 1] ?? '') + (word[at] ?? '') + word.slice(at + 2)
}

/** Looking things up in the audit trail. */
export function auditings({
  tokens,
  audit,
  requests,
}: ListingParts): Readonly<Record<string, readonly Ask[]>> {
  if (audit === 0) return {}
  const random = seededRandom(11)
  const some = (below: number): number => Math.floor(random() * below)
  const many = (query: () => Query): readonly Ask[] =>
    Array.from({ length: requests }, () => ({
      path: `/api/v1/audit?${new URLSearchParams(query()).toString()}`,
      token: tokens.admin,
    }))
  const actor = (): string => `person-${some(AUDIT.people)}`
  const month = (): { from: string; to: string } => {
    const from = Date.UTC(2025, 1 + some(18), 1)
    return { from: new Date(from).toISOString(), to: new Date(from + 30 * 24 * 3_600_000).toISOString() }
  }
  return {
    auditNewest: many(() => ({})),
    auditOfPerson: many(() => ({ actor: actor() })),
    auditOfAction: many(() => ({ action: 'access-granted' })),
    auditOfRareAction: many(() => ({ action: AUDIT.rareAction })),
    auditOfPersonAndRareAction: many(() => ({ actor: actor(), action: AUDIT.rareAction })),
    auditOfSubject: many(() => ({ subject: `subject-${some(audit)}` })),
    auditOfMonth: many(month),
    auditOfPersonInMonth: many(() => ({ actor: actor(), ...month() })),
    auditOfActionInMonth: many(() => ({ action: 'grant-revoked', ...month() })),
    auditOfNobody: many(() => ({ actor: `nobody-${some(1_000)}` })),
  }
}

const pathOf = (query: Query): string => `/api/v1/bundles?${new URLSearchParams(query).toString()}`

/** Of every page of the whole list, first to last. */
async function cursorsOf({ load }: ListingParts, token: string): Promise<readonly string[]> {
  const cursors: string[] = []
  for (let cursor: string | undefined; ;) {
    const reply = await load.send({ path: pathOf({ limit: '200', ...(cursor && { cursor }) }), token })
    const { nextCursor } = JSON.parse(reply.body) as { nextCursor: string | null }
    if (nextCursor === null) return cursors
    cursors.push(nextCursor)
    cursor = nextCursor
  }
}
