import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressOfBytes, ipAddress } from '../../src/core/address.ts'
import { addMillis, epochMillis, minutes, seconds } from '../../src/core/units.ts'
import { diagnose, type Facts, type Finding } from '../../src/client/index.ts'
import type { AnnounceReply } from '../../src/wire/announce.ts'

const NOW = epochMillis(1_790_000_000_000)
/** As a hostile tracker may send it back to us. */
const GRANT = `eyJ${'a'.repeat(40)}.${'b'.repeat(60)}.${'c'.repeat(86)}`
const SITE = { name: 'lyon', cidrs: ['10.4.0.0/16'] }
const REPLY: AnnounceReply = { intervalMs: seconds(60), complete: 1, incomplete: 0, peers: [], site: SITE }
const URL_OF_TRACKER = 'https://media.example/announce'
const host = ipAddress('10.4.0.1')

/** Of a machine with which all is well. */
const WELL: Facts = {
  now: NOW,
  portal: { url: 'https://media.example', answer: 'shoal', isTrustedBySystem: true, clockAheadMs: 400 },
  link: { grantExpiresAt: addMillis(NOW, minutes(60)) },
  tracker: { url: URL_OF_TRACKER, outcome: { kind: 'reply', reply: REPLY } },
  port: { port: 6_881, isReachable: true, host },
  peers: [{ at: { host: ipAddress('10.7.0.1'), port: 6_881 }, isHere: false, outcome: 'open' }],
  transfer: { haveBytes: 5, isComplete: true, banned: [] },
}

const wrongOf = (facts: Facts): Finding[] => diagnose(facts).filter(({ isWrong }) => isWrong)

/** The one thing that is wrong. */
function soleWrong(over: Partial<Facts>): Finding {
  const [finding, ...more] = wrongOf({ ...WELL, ...over })
  assert.ok(finding !== undefined && more.length === 0, JSON.stringify([finding, ...more]))
  return finding
}

const refusedBy = (reason: string): Partial<Facts> => ({
  tracker: { url: URL_OF_TRACKER, outcome: { kind: 'refused', reason } },
})

describe('A diagnosis', () => {
  it('of a machine that is well has a sentence for each thing looked at, and no remedy', () => {
    const findings = diagnose(WELL)
    assert.deepEqual(
      findings.map(({ check }) => check),
      [
        'portal',
        'clock',
        'stock clients',
        'grant',
        'tracker',
        'site rule',
        'peer port',
        'other sites',
        'data',
      ],
    )
    assert.ok(findings.every(({ isWrong, remedy }) => !isWrong && remedy === undefined))
  })

  it('of nothing says nothing', () => {
    assert.deepEqual(diagnose({ now: NOW }), [])
  })

  it('names what is wrong with a certificate', () => {
    for (const [tlsFault, remedy] of [
      ['CERT_HAS_EXPIRED', /expired: renew it/],
      ['CERT_NOT_YET_VALID', /clock of this machine/],
      ['ERR_TLS_CERT_ALTNAME_INVALID', /for another name/],
      ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /install the company's CA/],
    ] as const) {
      const finding = soleWrong({ portal: { url: 'https://m.example', answer: 'none', tlsFault } })
      assert.equal(finding.check, 'certificate')
      assert.match(finding.remedy ?? '', remedy)
      const outcome = { kind: 'unreachable', reason: 'no', tlsFault } as const
      const ofTracker = soleWrong({ tracker: { url: URL_OF_TRACKER, outcome } })
      assert.equal(ofTracker.check, 'certificate')
      assert.match(ofTracker.sentence, /https:\/\/media\.example cannot be verified/)
    }
  })

  it('says of a clock that is off by how much and which way, and allows what grants allow', () => {
    const at = (clockAheadMs: number): Partial<Facts> => ({
      portal: { url: 'https://m.example', answer: 'shoal', clockAheadMs },
    })
    assert.match(soleWrong(at(600_000)).sentence, /600 s behind the portal's/)
    assert.match(soleWrong(at(-600_000)).sentence, /600 s ahead of the portal's/)
    assert.deepEqual(wrongOf({ ...WELL, ...at(90_000) }), [])
  })

  it("blames the tracker's clock when the tracker says that it is off, and not the grant", () => {
    const finding = soleWrong(
      refusedBy(
        "grant expired at X, get a fresh link (the clock of this tracker is 600 s ahead of the portal's: tell its operator)",
      ),
    )
    assert.equal(finding.check, 'clock')
  })

  it('takes the word of the tracker on a grant before its own clock', () => {
    const link = { grantExpiresAt: epochMillis(NOW - 36_000_000) }
    assert.deepEqual(wrongOf({ ...WELL, link }), [])
    assert.equal(soleWrong(refusedBy('grant expired at X, get a fresh link')).check, 'grant')
  })

  it("without a tracker, judges the end of a grant by the portal's clock", () => {
    const link = { grantExpiresAt: epochMillis(NOW - 1_800_000) }
    const { portal } = WELL
    assert.ok(portal !== undefined)
    assert.deepEqual(
      wrongOf({ now: NOW, link, portal }).map(({ check }) => check),
      ['grant'],
    )
    const behind = { ...portal, clockAheadMs: -3_600_000 }
    assert.deepEqual(
      wrongOf({ now: NOW, link, portal: behind }).map(({ check }) => check),
      ['clock'],
    )
  })

  it('leaves the fault of a refusal with whoever can mend it', () => {
    for (const [reason, check] of [
      ['this link was revoked', 'grant'],
      ['the release was recalled', 'grant'],
      ['this grant is for another release', 'grant'],
      ['this link is in use at 8 addresses, which is all it allows: get one of your own', 'grant'],
      ['this tracker has just started and cannot check grants yet, try again in a minute', 'tracker'],
      ['this tracker is full, try again later', 'tracker'],
      ['peers at 10.0.0.1 are not admitted here', 'tracker'],
    ] as const)
      assert.equal(soleWrong(refusedBy(reason)).check, check, reason)
  })

  it('of a link that came to nothing says what to do about it', () => {
    const of = (code: NonNullable<NonNullable<Facts['link']>['refusal']>['code']): Finding => {
      const [finding] = wrongOf({ now: NOW, link: { refusal: { code, sentence: 'no' } } })
      assert.ok(finding !== undefined)
      return finding
    }
    assert.equal(of('not-granted').check, 'grant')
    assert.match(of('not-authenticated').remedy ?? '', /--token-file/)
    assert.match(of('not-found').remedy ?? '', /shoal list/)
    assert.equal(of('unavailable').check, 'portal')
    assert.match(of('bad-input').remedy ?? '', /fresh link .* trust no other/)
  })

  it('says nothing of the port or of others where peering is off: nobody is sent there', () => {
    const reply = { ...REPLY, site: { ...SITE, name: 'vpn', peering: 'off' as const } }
    const finding = soleWrong({
      tracker: { url: URL_OF_TRACKER, outcome: { kind: 'reply', reply } },
      port: { port: 6_881, isReachable: false },
    })
    assert.equal(finding.check, 'site rule')
  })

  it('names each peer that sends bad data', () => {
    const banned = ['10.0.0.1', '10.0.0.2'].map((a) => ({ address: ipAddress(a), reason: 'bad piece' }))
    const found = wrongOf({ ...WELL, transfer: { haveBytes: 5, isComplete: true, banned } })
    assert.deepEqual(
      found.map(({ check }) => check),
      ['data', 'data'],
    )
  })

  it('has one finding of each check but data, a remedy where it is wrong and only there, and never a grant', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(facts, (made) => {
        const findings = diagnose(made)
        const checks = findings.map(({ check }) => check).filter((check) => check !== 'data')
        assert.equal(new Set(checks).size, checks.length, checks.join())
        for (const { check, isWrong, sentence, remedy } of findings) {
          seen.add(`${check} ${isWrong}`)
          assert.equal(remedy !== undefined, isWrong)
          assert.ok(sentence.length > 0 && !`${sentence}${remedy ?? ''}`.includes(GRANT.slice(0, 20)))
          assert.ok(!sentence.includes('undefined'), sentence)
        }
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 2_000) },
    )
    assert.equal(seen.size, 21, [...seen].sort().join(', '))
  })
})

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 })
const text = fc.constantFrom('it broke', `GET /announce?g=${GRANT} failed`, `grant ${GRANT}`, 'link revoked')
const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(addressOfBytes)
const tlsFault = fc.constantFrom('CERT_HAS_EXPIRED', 'SELF_SIGNED_CERT_IN_CHAIN')
const site = fc.constantFrom(undefined, SITE, { ...SITE, peering: 'off' as const })
const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T

const portal = fc
  .tuple(
    fc.constantFrom('shoal', 'other', 'none'),
    maybe(text),
    maybe(tlsFault),
    maybe(fc.boolean()),
    maybe(fc.integer()),
  )
  .map(([answer, reason, fault, isTrustedBySystem, clockAheadMs]) =>
    defined({
      url: 'https://media.example',
      answer,
      reason,
      ...(answer === 'none' && { tlsFault: fault }),
      ...(answer === 'shoal' && { isTrustedBySystem, clockAheadMs }),
    }),
  )
const outcome = fc.oneof(
  text.map((reason) => ({ kind: 'refused', reason })),
  fc
    .tuple(text, maybe(tlsFault))
    .map(([reason, fault]) => defined({ kind: 'unreachable', reason, tlsFault: fault })),
  site.map((at) => ({ kind: 'reply', reply: defined({ ...REPLY, site: at }) })),
)
const link = fc.oneof(
  maybe(fc.integer({ min: -1e9, max: 1e9 })).map((left) =>
    left === undefined ? {} : { grantExpiresAt: epochMillis(NOW + left) },
  ),
  fc
    .tuple(fc.constantFrom('not-granted', 'not-found', 'not-authenticated', 'bad-input', 'unavailable'), text)
    .map(([code, sentence]) => ({ refusal: { code, sentence } })),
)
const peers = fc.array(
  fc
    .tuple(address, fc.boolean(), fc.constantFrom('open', 'refused', 'silent'))
    .map(([at, isHere, dialled]) => ({ at: { host: at, port: 6_881 }, isHere, outcome: dialled })),
  { maxLength: 4 },
)
const transfer = fc
  .tuple(
    fc.nat(9),
    fc.boolean(),
    fc.array(
      fc.tuple(address, text).map(([at, reason]) => ({ address: at, reason })),
      { maxLength: 2 },
    ),
    maybe(text),
  )
  .map(([haveBytes, isComplete, banned, failure]) => defined({ haveBytes, isComplete, banned, failure }))
const port = fc
  .tuple(maybe(fc.boolean()), maybe(address))
  .map(([isReachable, at]) => ({ ...defined({ host: at }), port: 6_881, isReachable }))
const facts = fc
  .tuple(
    maybe(portal),
    maybe(link),
    maybe(
      fc
        .tuple(outcome, maybe(fc.boolean()))
        .map(([o, isTrustedBySystem]) => defined({ url: URL_OF_TRACKER, outcome: o, isTrustedBySystem })),
    ),
    maybe(port),
    maybe(peers),
    maybe(transfer),
  )
  .map(
    ([p, l, t, o, e, r]) =>
      defined({ now: NOW, portal: p, link: l, tracker: t, port: o, peers: e, transfer: r }) as Facts,
  )
