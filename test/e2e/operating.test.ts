/** What operators look at, of roles that run as programs: the page, and metrics. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { FILE, printed, Running } from './running.ts'

const TIMEOUT_MS = 180_000

/** `/operate`, as an admin sees it. */
async function page(portal: string, dataDir: string): Promise<string> {
  const token = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  const body = new URLSearchParams({ token })
  const signedIn = await fetch(`${portal}/login`, { method: 'POST', redirect: 'manual', body })
  const cookie = (signedIn.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? ''
  const answer = await fetch(`${portal}/operate`, { headers: { cookie }, redirect: 'error' })
  assert.equal(answer.status, 200)
  return await answer.text()
}

describe('What operators see of shoal up', function () {
  this.timeout(TIMEOUT_MS)

  it('is that all is well, and who came for a release', async () => {
    await using running = await Running.start(AbortSignal.timeout(TIMEOUT_MS))
    const token = join(running.dataDir, 'admin.token')
    const got = await running.run(
      'ada',
      'get',
      FILE.bundle,
      '--out',
      join(running.dir, 'out'),
      '--token-file',
      token,
    )
    assert.equal(got.code, 0, printed(got))
    const html = await page(running.portal, running.dataDir)
    assert.match(html, /All is well/)
    assert.match(html, /<td>admitted<\/td><td class="number">[^<]+<\/td><td class="number">[1-9]/)
    assert.match(
      html,
      new RegExp(`127\\.0\\.0\\.1:${running.peerPort} <small>origin</small></td><td class="number">2<`),
    )
  })
})

describe('What operators see of a portal and a tracker apart', function () {
  this.timeout(TIMEOUT_MS)

  it('are metrics at a port of the tracker, and on the page whether it answers', async () => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    await using stack = new AsyncDisposableStack()
    const dir = stack.adopt(await mkdtemp(join(tmpdir(), 'shoal-operating-')), (made) =>
      rm(made, { recursive: true, force: true }),
    )
    const trackerPort = await freePort()
    const trackerUrl = `http://127.0.0.1:${trackerPort}`
    const dataDir = join(dir, 'portal')
    const portal = stack.use(
      startShoal({ dataDir }, 'portal', '--listen', '127.0.0.1:0', '--tracker-url', trackerUrl),
    )
    const url = String((await untilEvent(portal, 'ready', signal))['portal'])
    assert.match(await page(url, dataDir), new RegExp(`The tracker at ${trackerUrl} does not answer`))

    const tracker: Child = stack.use(
      startShoal(
        { dataDir: join(dir, 'tracker'), env: { SHOAL_PORTAL: url, SHOAL_TOKEN_FILE: join(dataDir, 'origin.token') } },
        'tracker', '--listen', `127.0.0.1:${trackerPort}`, '--metrics-listen', '127.0.0.1:0',
      ),
    ) // prettier-ignore
    const ready = await untilEvent(tracker, 'ready', signal)
    await fetch(`${trackerUrl}/announce`)
    const body = await (await fetch(String(ready['metrics']))).text()
    assert.match(body, /^shoal_tracker_announce_outcomes\{outcome="admitted"\} 0$/m)
    assert.match(body, /^shoal_tracker_refused\{kind="bad-request"\} 1$/m)
    assert.match(body, /^shoal_tracker_clock_ahead_seconds 0$/m)
    assert.match(body, /^process_cpu_seconds_total /m)
    assert.equal((await fetch(`${trackerUrl}/metrics`)).status, 404)
    const html = await until(
      'the page to say that all is well',
      async () => {
        const text = await page(url, dataDir)
        return text.includes('All is well') ? text : undefined
      },
      signal,
    )
    assert.match(html, /--metrics-listen/)
  })
})
