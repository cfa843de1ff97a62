import assert from 'node:assert/strict'
import { browserOf, type Browser } from './page-person.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

const COUNT = 105

describe('The page of groups', () => {
  let portal: TestPortal
  let browser: Browser
  before(async () => {
    portal = await openTestPortal()
    for (let i = 0; i < COUNT; i++)
      await portal
        .api('post', '/groups', portal.adminToken)
        .send({ name: `team-${i}`, description: i === 7 ? 'Plans <b>Routes</b>' : '' })
        .expect(201)
    browser = browserOf(portal)
    await browser.post('/login').type('form').send({ token: portal.adminToken }).expect(303)
  })
  after(() => portal[Symbol.asyncDispose]())

  const html = async (path: string): Promise<string> => (await browser.get(path).expect(200)).text
  const named = (page: string): string[] =>
    [...page.matchAll(/href="\/people\?group=([^"]+)"/g)].map(([, name = '']) => name)

  it('shows a hundred, and goes on with the rest', async () => {
    const first = await html('/groups')
    const next = /href="(\/groups\?[^"]+)" rel="next"/.exec(first)?.[1] ?? ''
    const second = await html(next.replaceAll('&amp;', '&'))
    assert.equal(named(first).length, 100)
    assert.doesNotMatch(second, /rel="next"/)
    const all = Array.from({ length: COUNT }, (_, i) => `team-${i}`).toSorted()
    assert.deepEqual([...named(first), ...named(second)], all)
  })

  it('finds them by a part of the name or of what they are for', async () => {
    assert.deepEqual(named(await html('/groups?q=M-10')), ['team-10', 'team-100', 'team-101', 'team-102', 'team-103', 'team-104']) // prettier-ignore
    const found = await html('/groups?q=routes')
    assert.deepEqual(named(found), ['team-7'])
    assert.match(found, /Plans &lt;b&gt;Routes/)
    assert.match(await html('/groups?q=nothing'), /No group matches/)
  })
})
