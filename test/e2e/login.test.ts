/** `shoal login` of a real portal: a person allows it on the page, and the terminal acts as that person. */
import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { shoal, startShoal, untilEvent } from '../support/processes-shoal.ts'
import { printed, Running } from './running.ts'

const TIMEOUT_MS = 120_000
const PASSWORD = 'lamp river nineteen cobalt'

/** A browser without JavaScript, as far as forms go. */
class Browser {
  #cookie = ''

  async send(url: string, form?: Record<string, string>): Promise<{ text: string; location: string }> {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: this.#cookie },
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    })
    const set = answer.headers.getSetCookie()[0]
    if (set !== undefined) this.#cookie = set.split(';', 1)[0] ?? ''
    return { text: await answer.text(), location: answer.headers.get('location') ?? '' }
  }
}

describe('shoal login', function () {
  this.timeout(TIMEOUT_MS)

  it('leaves a token of the person who allowed it, which the other commands use', async () => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    await using running = await Running.start(signal)
    const admin = { dataDir: running.dataDir }
    const added = await shoal(admin, 'user', 'add', 'ann')
    assert.equal(added.code, 0, printed(added))
    const { invitation } = added.events.find((e) => e.event === 'user') as unknown as {
      invitation: { url: string }
    }
    const browser = new Browser()
    await browser.send(invitation.url, { password: PASSWORD })

    const laptop = { dataDir: join(running.dir, 'laptop') }
    const before = await shoal(laptop, 'list', '--portal', running.portal)
    assert.equal(before.code, 3, printed(before))
    assert.match(before.stderr + before.stdout, /shoal login/)

    await using child = startShoal(laptop, 'login', running.portal, '--no-browser')
    const { url, userCode } = await untilEvent(child, 'login-code', signal)
    const page = await browser.send(String(url))
    assert.ok(page.text.includes(String(userCode)), page.text)
    const csrf = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const answer = { _csrf: csrf, code: String(userCode), role: 'viewer', answer: 'allow' }
    assert.equal(
      (await browser.send(`${running.portal}/activate`, answer)).location,
      '/activate?said=allowed',
    )
    const done = await untilEvent(child, 'logged-in', signal)
    assert.deepEqual([done.user, done.role, done.portal], ['ann', 'viewer', running.portal])

    const file = join(laptop.dataDir, 'login', running.portal.replaceAll(/[^a-zA-Z0-9.-]+/g, '_'))
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const listed = await shoal(laptop, 'list')
    assert.equal(listed.events.filter((e) => e.event === 'bundle').length, 2, printed(listed))

    await shoal(admin, 'user', 'disable', 'ann')
    assert.equal((await shoal(laptop, 'list')).code, 3)
  })
})
