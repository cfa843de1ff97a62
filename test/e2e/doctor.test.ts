/** `shoal doctor` as a program, where one thing is ill at a time: it names that one, and nothing else. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { examinePortal } from '../../src/client/index.ts'
import { ipAddress } from '../../src/core/address.ts'
import { SiteMap } from '../../src/core/site.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { needs } from '../support/needs.ts'
import { shoal, type ShoalEvent, type ShoalFinished } from '../support/processes-shoal.ts'
import { CompanyCa, proxyOf } from './doctor-proxy.ts'
import { DoctorWorld } from './doctor-world.ts'
import { FILE, printed, Running } from './running.ts'

/** Nobody listens there. */
const DEAD = 'http://127.0.0.1:1'
const TIMEOUT_MS = 240_000

const findingsOf = (ended: ShoalFinished): ShoalEvent[] =>
  ended.events.filter(({ event }) => event === 'finding')
const checksOf = (findings: readonly ShoalEvent[]): unknown[] => findings.map(({ check }) => check)

/** The one finding that is wrong; exit 1, and no grant in what was printed. */
function soleWrong(ended: ShoalFinished): ShoalEvent {
  const wrong = findingsOf(ended).filter((finding) => finding['wrong'] === true)
  const [finding] = wrong
  assert.ok(finding !== undefined && wrong.length === 1, printed(ended))
  assert.equal(ended.code, 1, printed(ended))
  assert.ok(!printed(ended).includes('eyJ'), 'a grant was printed')
  return finding
}

function assertIll(ended: ShoalFinished, check: string, sentence: RegExp, remedy: RegExp): void {
  const finding = soleWrong(ended)
  assert.equal(finding['check'], check, printed(ended))
  assert.match(String(finding['sentence']), sentence)
  assert.match(String(finding['remedy']), remedy)
}

describe('shoal doctor beside shoal up', function () {
  this.timeout(TIMEOUT_MS)
  let running: Running
  let ca: CompanyCa | undefined
  let signal: AbortSignal

  before(async function () {
    needs(this, 'openssl')
    signal = AbortSignal.timeout(TIMEOUT_MS)
    running = await Running.start(signal)
    ca = await CompanyCa.create()
  })
  after(async () => {
    await ca?.[Symbol.asyncDispose]()
    await (running as Running | undefined)?.[Symbol.asyncDispose]()
    if ((running as Running | undefined) !== undefined)
      await rm(running.dir, { recursive: true, force: true })
  })

  /** Of the file, from the place of a person. */
  const doctor = (portal: string, env: Record<string, string> = {}, what: string = FILE.bundle) => {
    const where = running.person('ada')
    const token = join(running.dataDir, 'admin.token')
    return shoal(
      { ...where, env: { ...where.env, SHOAL_TOKEN_FILE: token, ...env } },
      'doctor', what, '--portal', portal, '--peer-port', '0',
    ) // prettier-ignore
  }

  it('finds nothing wrong where nothing is', async () => {
    const ended = await doctor(running.portal)
    const findings = findingsOf(ended)
    assert.equal(ended.code, 0, printed(ended))
    for (const check of ['portal', 'clock', 'grant', 'tracker', 'site rule', 'peer port', 'data'])
      assert.ok(checksOf(findings).includes(check), `nothing about the ${check}: ${printed(ended)}`)
    for (const finding of findings) assert.equal(finding['wrong'], false, printed(ended))
  })

  it('1. names a portal that does not answer', async () => {
    assertIll(
      await doctor(DEAD),
      'portal',
      /127\.0\.0\.1:1 does not answer \(connection refused\)/,
      /portal runs/,
    )
  })

  it('2. names a certificate that cannot be verified', async () => {
    assert.ok(ca !== undefined)
    await using proxy = await proxyOf(running.portal, { certificate: await ca.certificate('IP:127.0.0.1') })
    const ended = await doctor(`https://127.0.0.1:${proxy.port}`)
    assertIll(
      ended,
      'certificate',
      /certificate of https:\/\/127\.0\.0\.1:\d+ cannot be verified/,
      /install the company's CA/,
    )
  })

  it('2. names a certificate that has expired, and one for another name, where the CA is known', async () => {
    assert.ok(ca !== undefined)
    const env = { NODE_EXTRA_CA_CERTS: ca.file }
    await using expired = await proxyOf(running.portal, {
      certificate: await ca.certificate('IP:127.0.0.1', -1),
    })
    assertIll(
      await doctor(`https://127.0.0.1:${expired.port}`, env),
      'certificate',
      /CERT_HAS_EXPIRED/,
      /renew it/,
    )
    await using other = await proxyOf(running.portal, {
      certificate: await ca.certificate('DNS:other.example'),
    })
    assertIll(
      await doctor(`https://127.0.0.1:${other.port}`, env),
      'certificate',
      /ALTNAME/,
      /for another name/,
    )
  })

  it('2. tells a certificate from a portal that speaks no TLS at all', async () => {
    const url = running.portal.replace('http:', 'https:')
    const facts = await examinePortal(url, () => systemClock.epoch(), AbortSignal.timeout(TIMEOUT_MS))
    assert.equal(facts.answer, 'none')
    assert.equal(facts.tlsFault, undefined)
    assert.match(facts.reason ?? '', /TLS/)
  })

  it('3. names a clock that is off', async () => {
    await using proxy = await proxyOf(running.portal, { dateAheadMs: 600_000 })
    const ended = await doctor(`http://127.0.0.1:${proxy.port}`)
    assertIll(ended, 'clock', /this machine's clock is (?:59\d|60\d) s behind the portal's/, /NTP/)
  })

  it('4. names a grant that was revoked, by its magnet and by its .torrent', async () => {
    const person = running.person('ada')
    const file = join(running.dir, 'revoked.torrent')
    const where = {
      ...person,
      env: { ...person.env, SHOAL_TOKEN_FILE: join(running.dataDir, 'admin.token') },
    }
    const made = await shoal(where, 'link', FILE.bundle, '--torrent', file)
    const link = made.events.find(({ event }) => event === 'link')
    assert.ok(link !== undefined, printed(made))
    const revoked = await shoal(where, 'revoke', String(link['grant']))
    assert.equal(revoked.code, 0, printed(revoked))
    for (const what of [String(link['magnet']), file])
      assertIll(await doctor(running.portal, {}, what), 'grant', /revoked/, /fresh link from the portal/)
  })

  it('10. names a certificate that is good for us and not for stock clients', async () => {
    assert.ok(ca !== undefined)
    await using proxy = await proxyOf(running.portal, { certificate: await ca.certificate('IP:127.0.0.1') })
    const ended = await doctor(`https://127.0.0.1:${proxy.port}`, { NODE_EXTRA_CA_CERTS: ca.file })
    assertIll(ended, 'stock clients', /so stock BitTorrent clients refuse its tracker/, /system's store/)
    assert.ok(checksOf(findingsOf(ended)).includes('data'), printed(ended))
  })
})

describe('shoal doctor in a swarm', function () {
  this.timeout(TIMEOUT_MS)
  let signal: AbortSignal
  beforeEach(() => (signal = AbortSignal.timeout(TIMEOUT_MS)))
  const SITES = [
    { name: 'lyon', cidrs: ['127.1.0.0/16'] },
    { name: 'oslo', cidrs: ['127.2.0.0/16'] },
    { name: 'vpn', cidrs: ['127.3.0.0/16'], peering: 'off' as const },
  ]
  const sites = new SiteMap(SITES)

  it('finds nothing wrong where nothing is', async () => {
    await using world = await DoctorWorld.open({ sites }, signal)
    await world.origin(await world.serve('127.2.0.1'))
    const ended = await world.doctor('127.1.0.1')
    assert.equal(ended.code, 0, printed(ended))
    assert.deepEqual(checksOf(findingsOf(ended)), [
      'portal', 'clock', 'grant', 'tracker', 'site rule', 'peer port', 'other sites', 'data',
    ]) // prettier-ignore
  })

  it('5. names a tracker that is dead', async () => {
    await using world = await DoctorWorld.open({ trackerUrl: DEAD }, signal)
    await world.origin(await world.serve('127.2.0.1'))
    const ended = await world.doctor('127.1.0.1')
    assertIll(
      ended,
      'tracker',
      /tracker at http:\/\/127\.0\.0\.1:1\/announce cannot be asked: .*ECONNREFUSED/,
      /check that it runs/,
    )
  })

  it('6. names a peer port that nobody can reach', async () => {
    await using world = await DoctorWorld.open({ sites, dial: () => Promise.resolve('silent') }, signal)
    await world.origin(await world.serve('127.2.0.1'))
    const ended = await world.doctor('127.1.0.1')
    assertIll(
      ended,
      'peer port',
      /nobody can connect to this machine at 127\.1\.0\.1:\d+/,
      /open TCP port \d+ .* --peer-port/,
    )
  })

  it('7. names the rule of a site', async () => {
    await using world = await DoctorWorld.open({ sites }, signal)
    await world.origin(await world.serve('127.2.0.1'))
    const ended = await world.doctor('127.3.0.1')
    assertIll(ended, 'site rule', /at the site vpn, where peering is off by policy/, /leave the VPN/)
  })

  it('8. names a path to other sites that is closed', async () => {
    await using world = await DoctorWorld.open({ sites }, signal)
    await world.origin({ host: ipAddress('127.2.0.1'), port: 2_000 })
    await world.announce(await world.serve('127.1.0.2'), signal)
    const ended = await world.doctor('127.1.0.1')
    assertIll(
      ended,
      'other sites',
      /no machine at another site, .*such as 127\.2\.0\.1:2000.*though machines here can/,
      /firewall between the sites/,
    )
    assert.ok(checksOf(findingsOf(ended)).includes('data'), printed(ended))
  })

  it('9. names a peer that sends bad data', async () => {
    await using world = await DoctorWorld.open({ sites }, signal)
    await world.origin(await world.serve('127.2.0.1', { sendsBadData: true }))
    const ended = await world.doctor('127.1.0.1')
    assertIll(ended, 'data', /the peer at 127\.2\.0\.1 sends bad data and was banned/, /disk and its client/)
  })
})
