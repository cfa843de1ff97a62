import assert from 'node:assert/strict'
import { seconds } from '../../src/core/units.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

interface Page {
  readonly items: readonly { readonly id: string; readonly for: string; readonly issuedBy: string }[]
  readonly nextCursor: string | null
}

describe('A list of grants', () => {
  let portal: TestPortal
  let paula: string
  let vera: string
  /** Those that paula gave or was given, newest first. */
  const hers: string[] = []
  const ofVera: string[] = []

  before(async () => {
    portal = await openTestPortal()
    paula = await portal.token('publisher', { user: 'paula' })
    vera = await portal.token('viewer', { user: 'vera' })
    const { slug: own } = await portal.live(paula, { title: 'Own' }, 'a.mp4')
    const { slug: other } = await portal.live(portal.adminToken, { title: 'Other' }, 'b.mp4')
    const make = async (token: string, slug: string, person?: string): Promise<string> =>
      (await portal.link(token, slug, person === undefined ? {} : { for: person })).grant.id
    for (let round = 0; round < 3; round++) {
      hers.unshift(await make(paula, own))
      portal.clock.advance(seconds(1))
      ofVera.unshift(await make(vera, other))
      // two at the same moment, so that their ids order them
      const same = [await make(paula, own, 'vera'), await make(paula, other)].sort().reverse()
      hers.unshift(...same)
      portal.clock.advance(seconds(1))
    }
  })
  after(() => portal[Symbol.asyncDispose]())

  async function all(token: string, query: Readonly<Record<string, string>> = {}): Promise<Page['items']> {
    const items: Page['items'][number][] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const given = new URLSearchParams({ limit: '2', ...query, ...(cursor !== '' && { cursor }) })
      const page = (await portal.api('get', `/grants?${given.toString()}`, token).expect(200)).body as Page
      items.push(...page.items)
      cursor = page.nextCursor
    }
    return items
  }
  const ids = (items: Page['items']): string[] => items.map(({ id }) => id)

  it('has what one gave and was given, each once, newest first, page by page', async () => {
    assert.deepEqual(ids(await all(paula)), hers)
  })

  it('of one person has only what was given to them; for whom sees not all, by oneself', async () => {
    const toVera = await all(paula, { user: 'vera' })
    assert.deepEqual(toVera.map((grant) => [grant.for, grant.issuedBy]), [['vera', 'paula'], ['vera', 'paula'], ['vera', 'paula']]) // prettier-ignore
    assert.ok((await all(vera, { user: 'vera' })).length === 6)
    assert.deepEqual(await all(vera, { user: 'paula' }), [])
  })

  it('of everybody is for whom that is a business', async () => {
    const everything = ids(await all(portal.adminToken))
    assert.deepEqual(new Set(everything), new Set([...hers, ...ofVera]))
    assert.equal(everything.length, hers.length + ofVera.length)
  })
})
