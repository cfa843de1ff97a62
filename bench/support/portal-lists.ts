/** The kinds of lists and searches that people ask a portal for, many different ones of each. */
import { seededRandom } from '../../src/core/random.ts'
import type { Ask, HttpLoad } from './http-load.ts'
import { RARE_TAG } from './library.ts'
import type { Tokens } from './portal-tokens.ts'
import { codeOf, frequentOf, KINDS, oneOf, PLACES, TAGS, TOPICS } from './words.ts'

export interface ListingParts {
  readonly load: HttpLoad
  readonly tokens: Tokens
  readonly bundles: number
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
    searchNoHit: () => ({ q: `zz${codeOf(Math.floor(random() * bundles))}` }),
    searchCommonOfTag: () => ({ q: common(), tag: oneOf(TAGS, random) }),
    searchCommonOfRareTag: () => ({ q: common(), tag: RARE_TAG }),
  }
  return {
    firstPage: many(tokens.admin, () => ({})),
    deepPage: many(tokens.admin, () => ({ cursor: oneOf(deep, random) })),
    firstPageOfViewer: many(tokens.viewer, () => ({})),
    firstPageOfManager: many(tokens.manager, () => ({})),
    deepPageOfViewer: many(tokens.viewer, () => ({ cursor: oneOf(deepOfViewer, random) })),
    tag: many(tokens.admin, () => ({ tag: oneOf(TAGS, random) })),
    tagOfViewer: many(tokens.viewer, () => ({ tag: oneOf(TAGS, random) })),
    rareTag: many(tokens.viewer, () => ({ tag: RARE_TAG })),
    unknownTag: many(tokens.viewer, () => ({ tag: codeOf(Math.floor(random() * bundles)) })),
    ...Object.fromEntries(Object.entries(searches).map(([name, query]) => [name, many(tokens.admin, query)])),
    ...Object.fromEntries(
      Object.entries(searches).map(([name, query]) => [`${name}OfViewer`, many(tokens.viewer, query)]),
    ),
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
