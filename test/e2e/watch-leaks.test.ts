/**
 * Promise 16 for a page that plays: two browsers and the server, each a machine of its own whose frames are seen as they leave. The
 * page's connections go to the server, the gateway and the colleague; no STUN server is asked, and no name server.
 */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { keyHashOf, makeCertificate } from '../support/certificates.ts'
import { CHROMIUM, QUIET_FLAGS } from '../support/chromium.ts'
import { httpOn, Lab, LAB_NEEDS, startOn, type Host } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { runOk, until, type Child } from '../support/processes.ts'
import { BUNDLE, makeFilm, VIDEO } from './watch-world.ts'

const SNIFFER = join(import.meta.dirname, '..', 'support', 'sniff.py')
const SERVER = '10.1.0.1'
const PORTAL = `https://${SERVER}:8443`
/**
 * Names of the local network (RFC 6762), by which browsers hide their addresses from pages: asked of everybody on the own network,
 * and by routers passed on to nobody.
 */
const MDNS = { port: 5_353, groups: ['224.0.0.251', 'ff02::fb'] } as const
const FIGURES = 'document.querySelector("[data-watch]").dataset'
/** What browsers ask name servers of their own accord stays within; what a page may make them ask is seen by {@link ASKED_ICE}. */
const OWN_LOOKUPS = `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${SERVER}, EXCLUDE *.local`
/** Notes which servers each connection of the page is told to ask. */
const NOTE_ICE = `globalThis.askedIce = []
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(options) {
    askedIce.push((options?.iceServers ?? []).length)
    super(options)
  }
}`
const ASKED_ICE = 'JSON.stringify([askedIce.length > 0, askedIce.filter((servers) => servers > 0)])'
const STUN_PORTS = [3_478, 5_349, 19_302]

interface Sent {
  readonly event: string
  readonly what: string
  readonly to: string
  readonly port: number
}

describe('A page that plays, on a network that is watched', function () {
  this.timeout(120_000)
  const stack = new AsyncDisposableStack()
  const sniffers = new Map<string, Child>()
  const addresses = new Set<string>(['127.0.0.1', '::1'])
  let dir: string
  let lab: Lab
  let keyHash: string

  before(async function () {
    needs(this, ...LAB_NEEDS, CHROMIUM, 'ffmpeg', 'openssl', '/usr/bin/python3')
    dir = await mkdtemp(join(tmpdir(), 'shoal-watch-leaks-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    lab = stack.use(await Lab.create())
  })
  after(() => stack.disposeAsync())

  async function addMachine(name: string, address: string): Promise<Host> {
    const host = await lab.addHost(name, address)
    addresses.add(address)
    // Everywhere is next door: a packet to anywhere begins with a question for its address.
    await runOk(host.argv(['ip', 'route', 'add', 'default', 'dev', 'eth0']))
    const sniffer = stack.use(startOn(host, { argv: ['/usr/bin/python3', SNIFFER] }))
    await sniffer.untilLine((line) => line.includes('listening') || undefined, AbortSignal.timeout(20_000))
    sniffers.set(name, sniffer)
    return host
  }

  const sentBy = (name: string): Sent[] =>
    (sniffers.get(name)?.lines ?? [])
      .map((line) => JSON.parse(line) as Sent)
      .filter((line) => line.event === 'sent')

  const strays = (name: string): Sent[] =>
    sentBy(name).filter(({ to, port }) => {
      if (port === MDNS.port) return !MDNS.groups.some((group) => group === to)
      return !addresses.has(to) || port === 53 || STUN_PORTS.includes(port)
    })

  /** A browser of that machine, signed in, where the film plays. */
  async function watching(host: Host, token: string): Promise<Page> {
    const program = join(dir, `browser-of-${host.name}`)
    await writeFile(program, `#!/bin/sh\nexec ${host.argv([CHROMIUM]).join(' ')} "$@"\n`)
    await chmod(program, 0o755)
    const args = [
      ...QUIET_FLAGS,
      `--ignore-certificate-errors-spki-list=${keyHash}`,
      '--autoplay-policy=no-user-gesture-required',
      OWN_LOOKUPS,
    ]
    const browser = stack.adopt(await chromium.launch({ executablePath: program, args }), (open) =>
      open.close(),
    )
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
    await page.addInitScript(NOTE_ICE)
    await page.goto(`${PORTAL}/login`)
    await page.click('summary')
    await page.fill('input[name=token]', token)
    await page.click('details button')
    await page.waitForSelector('text=Library')
    await page.goto(`${PORTAL}/bundles/${BUNDLE}`)
    await page.click('a.watch')
    return page
  }

  const isTrue = (page: Page, condition: string): Promise<true> =>
    until(
      condition,
      async () => (await page.evaluate(`Boolean(${condition})`)) === true || undefined,
      AbortSignal.timeout(40_000),
    )

  it('sends to the server, the gateway and the colleague, and to nobody else', async () => {
    const server = await addMachine('server', SERVER)
    const [ann, ben] = [await addMachine('ann', '10.3.0.1'), await addMachine('ben', '10.4.0.1')]
    await mkdir(join(dir, 'library', 'Fire drill'), { recursive: true })
    // longer than what a page fetches before it knows of anybody: there is something left for a colleague to give
    await makeFilm(join(dir, 'library', 'Fire drill', 'film.mp4'), 150)
    const { certificate, key } = await makeCertificate(dir, 'media', [SERVER])
    keyHash = await keyHashOf({ certificate, key })
    const env = { SHOAL_GATEWAY_UDP_PORT: '16881', NODE_EXTRA_CA_CERTS: certificate }
    const where = { host: server, dataDir: join(dir, 'data'), env }
    const up = stack.use(
      startShoal(
        where,
        ...['up', '--library', join(dir, 'library'), '--listen', `${SERVER}:8443`, '--public-url', PORTAL],
        ...['--tls-cert', certificate, '--tls-key', key],
      ),
    )
    await untilEvent(up, 'ready', AbortSignal.timeout(60_000))
    const token = (await readFile(join(dir, 'data', 'admin.token'), 'utf8')).trim()
    const headers = { authorization: `Bearer ${token}` }
    await until(
      'the film to be live',
      async () => (await httpOn(ann, `${PORTAL}/api/v1/bundles/${BUNDLE}`, { headers, trusts: certificate })).status === 200 || undefined, // prettier-ignore
      AbortSignal.timeout(40_000),
    )
    const first = await watching(ann, token)
    await isTrue(first, `${VIDEO}?.currentTime > 2`)
    await isTrue(first, `${FIGURES}.gatewayBytes > 0`)
    const second = await watching(ben, token)
    await isTrue(second, `${VIDEO}?.currentTime > 2`)
    await isTrue(second, `${FIGURES}.colleaguesBytes > 0`)
    for (const page of [first, second])
      assert.equal(await page.evaluate(ASKED_ICE), '[true,[]]', 'no server is named for ICE')
    for (const name of ['server', 'ann', 'ben']) assert.deepEqual(strays(name), [], name)
    const heard = (name: string, what: string, to: string): boolean =>
      sentBy(name).some((sent) => sent.what === what && sent.to === to)
    assert.ok(heard('ben', 'tcp', SERVER) && heard('ben', 'udp', '10.3.0.1'), 'it was heard at all')
    assert.ok(heard('ann', 'udp', SERVER), 'the gateway, too')
  })
})
