import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSecretFile } from '../../src/platform/files.ts'
import {
  LoginFile,
  portalUrlFile,
  resolvePortalUrl,
  resolveToken,
  TrustStore,
} from '../../src/portal-client/index.ts'
import { limits } from '../../src/wire/limits.ts'
import { refused, tempFolder } from './fixtures.ts'
import { ISSUED_AT, keys } from './link-portal.ts'

describe('resolveToken', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  beforeEach(async () => {
    folder = await tempFolder()
  })
  afterEach(async () => {
    await folder[Symbol.asyncDispose]()
  })

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder.path, name)
    await writeFile(path, text)
    return path
  }

  it('takes the first of flag, file in the environment, environment, admin.token', async () => {
    await writeSecretFile(join(folder.path, 'admin.token'), 'four\n')
    const flagFile = await file('one', ' one\n')
    const env = { SHOAL_TOKEN_FILE: await file('two', 'two'), SHOAL_TOKEN: 'three' }
    const from = { dataDir: folder.path, portal: undefined }
    assert.equal(await resolveToken({ ...from, flagFile, env }), 'one')
    assert.equal(await resolveToken({ ...from, env }), 'two')
    assert.equal(await resolveToken({ ...from, env: { SHOAL_TOKEN: 'three\n' } }), 'three')
    assert.equal(await resolveToken({ ...from, env: { SHOAL_TOKEN: '', SHOAL_TOKEN_FILE: '' } }), 'four')
  })

  it('takes what `shoal login` got before admin.token, for its portal only', async () => {
    const portal = 'https://media.example.com'
    await writeSecretFile(join(folder.path, 'admin.token'), 'admins\n')
    await new LoginFile(folder.path, portal).keep('own')
    const from = { env: {}, dataDir: folder.path }
    assert.equal(await resolveToken({ ...from, portal }), 'own')
    assert.equal(await resolveToken({ ...from, portal: 'https://other.example.com' }), 'admins')
    assert.equal(await resolveToken({ ...from, portal: undefined }), 'admins')
  })

  it('finds none where there is none', async () => {
    assert.equal(await resolveToken({ env: {}, dataDir: folder.path, portal: undefined }), undefined)
  })

  it('refuses an empty token', async () => {
    const flagFile = await file('empty', ' \n')
    await assert.rejects(
      resolveToken({ flagFile, env: {}, dataDir: folder.path, portal: undefined }),
      refused('bad-usage', /is empty/),
    )
  })

  it('refuses a file that is not there, and one that is too large to be a token', async () => {
    const missing = join(folder.path, 'missing')
    const large = await file('large', 'x'.repeat(limits.tokenFileBytesMax + 1))
    for (const flagFile of [missing, large])
      await assert.rejects(
        resolveToken({ flagFile, env: {}, dataDir: folder.path, portal: undefined }),
        refused('bad-usage', /cannot be read/),
      )
  })

  it('refuses what could not stand in a header, and does not show it', async () => {
    await assert.rejects(
      resolveToken({ env: { SHOAL_TOKEN: 'sesame\r\nx: y' }, dataDir: folder.path, portal: undefined }),
      (error) => refused('bad-usage', /is no token/)(error) && !String(error).includes('sesame'),
    )
  })

  it('refuses an admin.token that others may read', async () => {
    await file('admin.token', 'four')
    await assert.rejects(
      resolveToken({ env: {}, dataDir: folder.path, portal: undefined }),
      refused('not-granted', /chmod 600/),
    )
  })
})

describe('resolvePortalUrl', () => {
  const pin = async (dataDir: string, origin: string): Promise<void> => {
    const portalKey = keys.portal.publicKey
    const document = { portal: origin, hosts: [], keys: [portalKey], issuedAt: ISSUED_AT }
    await new TrustStore(dataDir).pin({ origin, portalKey, document, pinnedAt: ISSUED_AT })
  }

  it('takes the first of flag, environment, what "up" left, the one trusted portal', async () => {
    await using folder = await tempFolder()
    const from = { dataDir: folder.path }
    await pin(folder.path, 'http://four.example')
    assert.equal(await resolvePortalUrl({ ...from, env: {} }), 'http://four.example')
    await writeFile(portalUrlFile(folder.path), 'http://three.example\n')
    assert.equal(await resolvePortalUrl({ ...from, env: { SHOAL_PORTAL: '' } }), 'http://three.example')
    const env = { SHOAL_PORTAL: 'http://two.example/' }
    assert.equal(await resolvePortalUrl({ ...from, env }), 'http://two.example')
    assert.equal(
      await resolvePortalUrl({ ...from, env, flag: 'http://one.example/page' }),
      'http://one.example',
    )
  })

  it('says what to type when nothing names a portal', async () => {
    await using folder = await tempFolder()
    await assert.rejects(
      resolvePortalUrl({ env: {}, dataDir: folder.path }),
      refused('bad-usage', /--portal URL or/),
    )
  })

  it('does not choose between two trusted portals', async () => {
    await using folder = await tempFolder()
    await pin(folder.path, 'http://a.example')
    await pin(folder.path, 'http://b.example')
    await assert.rejects(
      resolvePortalUrl({ env: {}, dataDir: folder.path }),
      refused('bad-usage', /trusts http:\/\/a\.example, http:\/\/b\.example/),
    )
  })
})
