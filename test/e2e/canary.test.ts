/** No token and no grant turns up where it does not belong, at the usual level of the log and at the wordy one. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hours } from '../../src/core/units.ts'
import { addMillis, epochMillis } from '../../src/core/units.ts'
import { KeyFiles } from '../../src/portal/keys/key-files.ts'
import { newGrantId, peekGrant, signGrant } from '../../src/wire/grant.ts'
import { parseMagnet } from '../../src/wire/magnet.ts'
import { untilEvent } from '../support/processes-shoal.ts'
import { until } from '../support/processes.ts'
import { percentEncoded } from './canaries.ts'
import { BUNDLE, CanaryWorld } from './canary-world.ts'

const HASH = (hex: string): string => hex.replaceAll(/../g, '%$&')
const PEER = `peer_id=${'%61'.repeat(20)}&port=6881&left=0`
const SECOND_LOOKS = 3

/** Of the same length and alphabet, but no piece of the right one. */
function withOtherSignature(grant: string): string {
  const [head = '', claims = '', signature = ''] = grant.split('.')
  return [head, claims, Array.from(signature).toReversed().join('')].join('.')
}

for (const flags of [[], ['--verbose']])
  describe(`Tokens and grants, with ${flags.join(' ') || 'the usual log'}`, function () {
    this.timeout(180_000)
    const stack = new AsyncDisposableStack()
    let world: CanaryWorld
    let admin: string
    let viewer: string
    const grants: Record<string, string> = {}
    const magnets: Record<string, string> = {}
    let lists = ''

    /** A link by the CLI, whose grant and magnet are canaries from now on. */
    async function take(name: string, ...more: string[]): Promise<void> {
      const made = await world.command(['link', BUNDLE, ...more], { mayPrint: [name] })
      const magnet = String(made.events.find((e) => e.event === 'link')?.magnet)
      remember(name, new URL(parseMagnet(magnet).trackers[0] ?? '').searchParams.get('g') ?? '', magnet)
    }
    function remember(name: string, grant: string, magnet = ''): void {
      world.canaries.add(name, grant)
      grants[name] = grant
      magnets[name] = magnet
    }
    const grant = (name: string): string => grants[name] ?? assert.fail(name)
    const magnet = (name: string): string => magnets[name] ?? assert.fail(name)

    before(async () => {
      const signal = AbortSignal.timeout(120_000)
      world = stack.use(await CanaryWorld.open(flags, signal))
      admin = await world.adminToken()
      await tokens()
      await links()
      await downloads(signal)
      await webSeed()
      await announces()
      await pages()
      await badRequests()
      await badWebSeeds()
      await badCommands()
      await world.asAdmin('/metrics', admin)
      await world.up[Symbol.asyncDispose]()
      world.canaries.see('standard output of up', world.up.lines.join('\n'))
      world.canaries.see('standard error of up', world.up.errors.join('\n'))
    })
    after(() => stack.disposeAsync())

    async function tokens(): Promise<void> {
      const shown = await world.command(['token', 'create', 'shown'], { mayPrint: ['shown'] })
      const made = shown.events.find((e) => e.event === 'token')
      viewer = String(made?.token)
      world.canaries.add('shown', viewer)
      const gone = await world.command(['token', 'create', 'gone'], { mayPrint: ['gone'] })
      const discarded = gone.events.find((e) => e.event === 'token')
      const token = String(discarded?.token)
      world.canaries.add('gone', token)
      await world.command(['token', 'revoke', String(discarded?.id)])
      await world.command(['token', 'list'])
      await world.command(['list'], { env: { SHOAL_TOKEN: token, SHOAL_TOKEN_FILE: '' } })
      await world.asAdmin('/api/v1/me', token)
      await world.asAdmin('/api/v1/tokens', admin)
    }

    async function links(): Promise<void> {
      for (const name of ['by bundle', 'on stdin', 'as argument', 'announced', 'revoked']) await take(name)
      await take('as file', '--torrent', join(world.dir, 'link.torrent'))
      await take('with a web seed', '--web-seed')
      const { kid, claims } = peekGrant(grant('revoked'))
      await world.command(['revoke', claims.id])
      const key = await new KeyFiles(join(world.dataDir)).load(`grant-${kid}`)
      assert.ok(key)
      const past = epochMillis(Date.now() - hours(3))
      const expired = { ...claims, id: newGrantId(past), expiresAt: addMillis(past, hours(1)) }
      remember('expired', await signGrant(expired, key))
      remember('altered', withOtherSignature(grant('announced')))
      for (const name of ['expired', 'altered'])
        magnets[name] = magnet('announced').replaceAll(grant('announced'), grant(name))
      const renewed = await world.asAdmin(
        `/api/v1/grants/${peekGrant(grant('announced')).claims.id}/renew`, admin,
        { method: 'POST', body: '{}', mayHold: ['renewed'] },
      ) // prettier-ignore
      remember('renewed', (JSON.parse(renewed.text) as { grant: { token: string } }).grant.token)
    }

    async function downloads(signal: AbortSignal): Promise<void> {
      const out = (name: string): string[] => ['--out', join(world.dir, `out-${name}`)]
      await world.command(['get', BUNDLE, ...out('bundle')])
      await world.typed(['get', '-', ...out('stdin')], `${magnet('on stdin')}\n`)
      await world.command(['get', join(world.dir, 'link.torrent'), ...out('file')])
      await world.command(['verify', join(world.dir, 'out-file')])
      // Slow enough to look at the process list meanwhile.
      const slow = world.start('get', magnet('as argument'), ...out('argument'), '--limit-down', '300kB')
      await untilEvent(slow, 'progress', signal)
      lists = await world.processList()
      world.canaries.see('the process list', lists)
      const piped = world.start('get', '-', ...out('piped'))
      for (let i = 0; i < SECOND_LOOKS; i++) world.canaries.see('the process list', await world.processList())
      piped.write(`${magnet('on stdin')}\n`)
      piped.endInput()
      for (const child of [slow, piped]) {
        await until('the end', () => child.hasExited || undefined, signal)
        world.canaries.see('a download', [...child.lines, ...child.errors].join('\n'))
      }
      for (const name of ['revoked', 'expired', 'altered'])
        for (const more of [[], ['--unsigned'], ['--unsigned', '--trust', world.portal]])
          await world.typed(['get', '-', ...out(name), ...more], `${magnet(name)}\n`)
    }

    async function announces(): Promise<void> {
      const { infoHash } = peekGrant(grant('announced')).claims
      const hash = `info_hash=${HASH(infoHash)}`
      for (const name of ['announced', 'revoked', 'expired', 'altered', 'renewed'])
        for (const g of [grant(name), percentEncoded(grant(name)), grant(name).replaceAll('.', '%2E')]) {
          await world.ask(`/announce?g=${g}&${hash}&${PEER}`)
          await world.ask(`/scrape?g=${g}&${hash}`)
          await world.ask(`/announce?g=${g}&${hash}&${PEER}&port=1.5`)
          await world.ask(`/announce?g=${g}${g}&${hash}&${PEER}`)
          await world.ask(`/announce?g=${g}&g=${g}&info_hash=${g}&event=${g}&${PEER}`)
          await world.ask(`/announce?${g}=${g}`, { method: 'POST', body: g })
          await world.ask(`/announce/${g}?g=${g}`)
          await world.ask(`/announce?g=${g}&${hash}&${PEER}&x=${'y'.repeat(4_000)}`)
          await world.raw(`GET /announce?g=${g} HTTP/9.9\r\nhost: x\r\n\r\n`)
          await world.raw(`G\u0000T /announce?g=${g} HTTP/1.1\r\n\r\n`)
        }
    }

    /** Before anybody says to have all of it. */
    async function webSeed(): Promise<void> {
      const { pathname } = new URL(parseMagnet(magnet('with a web seed')).webSeeds[0] ?? '')
      const whole = await world.ask(`${pathname}film.bin`, { headers: { range: 'bytes=0-9' } })
      assert.equal(whole.status, 206)
      assert.match(whole.headers.get('referrer-policy') ?? '', /^no-referrer$/)
      assert.match(whole.headers.get('cache-control') ?? '', /no-store/)
    }

    async function badWebSeeds(): Promise<void> {
      for (const name of ['with a web seed', 'announced', 'revoked', 'expired', 'altered'])
        for (const g of [grant(name), percentEncoded(grant(name)), grant(name).replaceAll('.', '%2E')]) {
          for (const range of ['bytes=0-9', 'bytes=9-0', g])
            await world.ask(`/w/${g}/film.bin`, { headers: { range } })
          await world.ask(`/w/${g}/film.bin`, { method: 'HEAD' })
          await world.ask(`/w/${g}/film.bin`, { method: 'POST', body: g })
          await world.ask(`/w/${g}/film.bin`, { headers: { 'if-range': g, range: 'bytes=0-9' } })
          for (const path of [`/w/${g}`, `/w/${g}/`, `/w/${g}/${g}`, `/w/${g}/x%E0%A4%A`, `/W/${g}/film.bin`])
            await world.ask(path)
          await world.ask(`/w/${g}/film.bin?g=${g}`)
          await world.raw(`GET /w/${g}/film.bin HTTP/9.9\r\nhost: x\r\n\r\n`)
        }
    }

    async function pages(): Promise<void> {
      const json = { 'content-type': 'application/json' }
      const signedIn = await world.ask('/login', {
        method: 'POST',
        headers: json,
        body: JSON.stringify({ token: viewer }),
      })
      assert.equal(signedIn.status, 204)
      const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
      const page = (path: string, init = {}) => world.ask(path, { headers: { cookie }, ...init })
      await page('/')
      const shown = await page(`/bundles/${BUNDLE}`)
      const csrf = /name="_csrf" value="([^"]+)"/.exec(shown.text)?.[1] ?? assert.fail(shown.text)
      const form = new URLSearchParams({ _csrf: csrf })
      const path = `/bundles/${BUNDLE}/releases/1/links`
      const own = await page(path, { method: 'POST', body: form, mayHold: ['on its page'] })
      remember('on its page', /\/dl\/([\w.-]+)\.torrent/.exec(own.text)?.[1] ?? assert.fail(own.text))
      assert.match(own.headers.get('cache-control') ?? '', /no-store/)
      assert.match(own.headers.get('referrer-policy') ?? '', /^(?:no-referrer|same-origin)$/)
      await page(`/bundles/${BUNDLE}`)
      await page('/')
      for (const name of ['on its page', 'revoked', 'expired', 'altered', 'announced'])
        for (const g of [grant(name), percentEncoded(grant(name))]) {
          const torrent = await page(`/dl/${g}.torrent`, { mayHold: [name] })
          assert.match(torrent.headers.get('referrer-policy') ?? '', /^(?:no-referrer|same-origin)$/)
        }
      for (const name of ['revoked', 'expired', 'altered']) {
        const refused = await world.ask(`/dl/${grant(name)}.torrent`)
        assert.equal(refused.status, 403)
      }
    }

    async function badRequests(): Promise<void> {
      for (const secret of [admin, viewer, grant('announced'), grant('expired'), grant('altered')])
        for (const spelt of [
          secret,
          percentEncoded(secret),
          secret.replace('_', '%5F').replaceAll('.', '%2e'),
        ])
          for (const token of [admin, secret])
            for (const path of [
              `/nowhere/${spelt}?token=${spelt}`,
              `/bundles/${spelt}`,
              `/login/${spelt}`,
              `/LOGIN/${spelt}`,
              `/dl/${spelt}`,
              `/dl/${spelt}%E0%A4%A.torrent`,
              `/api/v1/nowhere/${spelt}`,
              `/api/v1/bundles/${spelt}?token=${spelt}`,
              `/api/v1/bundles/%E0%A4%A${spelt}`,
              `/api/v1/bundles?limit=${spelt}&cursor=${spelt}`,
              `/api/v1/grants?cursor=${spelt}`,
            ])
              await world.asAdmin(path, token)
      const post = (path: string, body: string, headers = {}) =>
        world.asAdmin(path, admin, { method: 'POST', body, headers })
      for (const secret of [admin, grant('announced')]) {
        await post('/api/v1/bundles', `{"title": ${secret}`)
        await post('/api/v1/bundles', secret)
        await post('/api/v1/bundles', JSON.stringify({ title: 'x', [secret]: secret, tags: secret }))
        await post('/api/v1/tokens', JSON.stringify({ name: 'x', role: secret, expiresInSeconds: secret }))
        await post(`/api/v1/bundles/${BUNDLE}/releases`, secret, {
          'content-type': 'application/x-bittorrent',
        })
        await post('/login', `{"token": "${secret.slice(0, -1)}`)
        await post('/login', `token=${secret}x`, { 'content-type': 'application/x-www-form-urlencoded' })
        await world.raw(`GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\n${secret}\r\n\r\n`)
        await world.raw(`GET /dl/${secret} HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
      }
    }

    async function badCommands(): Promise<void> {
      const out = ['--out', join(world.dir, 'out-bad')]
      for (const text of [
        admin,
        grant('announced'),
        magnet('announced'),
        `${world.portal}/dl/${grant('announced')}.torrent`,
      ]) {
        for (const args of [
          [text],
          ['list', `--no-such-flag=${text}`],
          ['get', text],
          ['get', text, text, ...out],
          ['info', text],
          ['link', text],
          ['link', BUNDLE, '--expires', text],
          ['link', BUNDLE, '--peers', text],
          ['revoke', text],
          ['verify', text],
          ['inspect', `${text}x`],
          ['publish', text, '--title', 'x'],
          ['site', 'of', text],
          ['list', '--token-file', text],
          ['list', '--portal', text],
          ['list', '--portal', `http://${text.slice(0, 250)}@127.0.0.1:1/`],
          ['get', BUNDLE, ...out, '--trust', text],
        ])
          await world.typed(args)
      }
      await world.typed(['inspect', '-'], `${magnet('announced')}\n`)
      await world.typed(['get', '-', ...out], `${magnet('announced').slice(0, -20)}\n`)
      await world.typed(['list', '--portal', 'http://127.0.0.1:1'])
    }

    it('are found by this search where they belong', () => {
      assert.ok(world.canaries.names.length >= 14, world.canaries.names.join(', '))
      const held = new Set(
        world.canaries.evidence.flatMap(({ text, mayHold }) =>
          mayHold.length > 0 ? world.canaries.in(text) : [],
        ),
      )
      for (const name of ['shown', 'gone', 'by bundle', 'revoked', 'renewed', 'on its page'])
        assert.ok(held.has(name), name)
      assert.ok(world.up.errors.length + world.up.lines.length > 1)
      assert.ok(world.canaries.evidence.length > 500, String(world.canaries.evidence.length))
      if (flags.length > 0)
        for (const path of [/\/dl\/\[redacted\]/, /\/w\/\[redacted\]/])
          assert.match(world.up.errors.join('\n'), path)
    })

    it('stand in no output, no answer, no header and no process list', () => {
      assert.match(lists, /\0/, 'there were processes')
      assert.deepEqual([...new Set(world.canaries.leaks())], [])
    })

    it('stand in no file but those that are there for them', async () => {
      world.canaries.evidence.length = 0
      const seen = await world.seeFiles({
        'up/admin.token': ['admin.token'],
        'up/origin.token': ['origin.token'],
        'link.torrent': ['as file'],
      })
      for (const name of ['up/portal.sqlite', 'person/trust.json', 'out-file/film.bin', 'up/admin.token'])
        assert.ok(seen.includes(name), `${name} is not among ${seen.join(', ')}`)
      assert.ok((await readdir(join(world.dir, 'person', 'client'))).length > 0, 'records of downloads')
      assert.deepEqual(world.canaries.leaks(), [])
    })
  })
