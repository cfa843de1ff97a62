/** What `shoal login` starts to show a page: a browser, and nothing for any other kind of address. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { openBrowser } from '../../src/cli/browser.ts'
import { until } from '../support/processes.ts'

describe('openBrowser', function () {
  this.timeout(10_000)
  const path = process.env['PATH'] ?? ''
  let folder: string

  before(async function () {
    if (process.platform !== 'linux') this.skip()
    folder = await mkdtemp(join(tmpdir(), 'shoal-browser-'))
    const opener = join(folder, 'xdg-open')
    await writeFile(opener, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${join(folder, 'opened')}'\n`)
    await chmod(opener, 0o755)
    process.env['PATH'] = `${folder}${delimiter}${path}`
  })
  after(async () => {
    process.env['PATH'] = path
    await rm(folder, { recursive: true, force: true })
  })

  it('opens pages where there is a screen, and starts nothing for other schemes', async () => {
    const screen = { DISPLAY: ':0' }
    for (const url of ['file:///bin/sh', 'smb://host/share/x', 'javascript:alert(1)', 'nonsense', ''])
      assert.equal(await openBrowser(url, screen), false, url)
    assert.equal(await openBrowser('https://media.example.com/activate', {}), false)
    assert.equal(await openBrowser('https://media.example.com/activate', screen), true)
    const opened = await until(
      'the browser to be started',
      () => readFile(join(folder, 'opened'), 'utf8').catch(() => undefined),
      AbortSignal.timeout(5_000),
    )
    assert.equal(opened, 'https://media.example.com/activate\n')
  })
})
