import assert from 'node:assert/strict'
import { hours, millis } from '../../src/core/units.ts'
import { ControlState, type ControlView } from '../../src/portal-client/index.ts'
import { MinuteLimiter } from '../../src/tracker/minute-limiter.ts'
import { GrantGate, type GateAnswer } from '../../src/tracker/grant-gate.ts'
import { hasExpired, refusalOfGrant, withdrawalOf } from '../../src/tracker/verified-grant.ts'
import type { PublicKey } from '../../src/wire/keys.ts'
import { limits } from '../../src/wire/limits.ts'
import { altered, ip, OTHER_SWARM, SWARM, TestPortal } from './support.ts'

const HERE = ip('10.0.0.1')

describe('The gate of grants', () => {
  let portal: TestPortal
  let failures: MinuteLimiter
  let gate: GrantGate

  const gateWith = (control: ControlView, pendingMax = 10): GrantGate =>
    new GrantGate({ clock: portal.clock, control, failures }, { portalUrl: '', verifiedMax: 100, pendingMax })
  beforeEach(async () => {
    portal = await TestPortal.open()
    failures = new MinuteLimiter({ clock: portal.clock }, { perMinuteMax: 2 })
    gate = gateWith(portal.control)
  })

  const ask = (token: string | undefined, infoHash = SWARM, host = HERE) =>
    gate.check({ token, infoHash, host })
  const kindOf = (answer: GateAnswer): string => ('refusal' in answer ? answer.refusal.kind : 'admitted')
  /** The kind of an answer that is there at once. */
  const atOnce = (token: string | undefined, infoHash = SWARM): string => {
    const answer = ask(token, infoHash)
    assert.ok(!(answer instanceof Promise), 'it waits')
    return kindOf(answer)
  }
  const waited = async (token: string): Promise<string> => {
    const answer = ask(token)
    assert.ok(answer instanceof Promise, 'it does not wait')
    return kindOf(await answer)
  }

  it('refuses a request without a grant, or with one that is too long, at once, and counts the failure', () => {
    assert.equal(atOnce(undefined), 'grant-refused')
    assert.equal(failures.isLimited(HERE), false)
    assert.equal(atOnce('x'.repeat(limits.grantCharsMax + 1)), 'grant-refused')
    assert.equal(failures.isLimited(HERE), true)
  })

  it('looks at a grant of the longest length that there may be', async () => {
    assert.equal(await waited('x'.repeat(limits.grantCharsMax)), 'grant-refused')
  })

  it('says that it is not ready before it knows the keys, whatever is brought', async () => {
    gate = gateWith(new ControlState())
    assert.equal(atOnce((await portal.grant()).token), 'not-ready')
    assert.equal(atOnce(undefined), 'not-ready')
    assert.equal(failures.isLimited(HERE), false)
  })

  it('verifies a grant once, and remembers it', async () => {
    const { token } = await portal.grant()
    assert.deepEqual([gate.pendingCount, gate.verifiedCount], [0, 0])
    assert.equal(await waited(token), 'admitted')
    assert.deepEqual([gate.pendingCount, gate.verifiedCount], [0, 1])
    assert.equal(atOnce(token), 'admitted')
    assert.equal(atOnce(token, OTHER_SWARM), 'other-release')
  })

  it('verifies it once for all who wait for it', async () => {
    gate = gateWith(portal.control, 1)
    const { token } = await portal.grant()
    const answers = [ask(token), ask(token), ask(token, OTHER_SWARM)].map((answer) => Promise.resolve(answer))
    assert.equal(gate.pendingCount, 1)
    assert.deepEqual((await Promise.all(answers)).map(kindOf), ['admitted', 'admitted', 'other-release'])
  })

  it('remembers no bad one, and counts it as one failure of who brought it', async () => {
    const { token } = await portal.grant()
    assert.equal(await waited(altered(token)), 'grant-refused')
    assert.deepEqual([gate.pendingCount, gate.verifiedCount], [0, 0])
    assert.equal(failures.isLimited(HERE), false)
    assert.equal(await waited(altered(token)), 'grant-refused')
    assert.equal(failures.isLimited(HERE), true)
  })

  it('takes no new grant from an address that failed too often, but those that it knows', async () => {
    const [known, fresh] = [await portal.grant(), await portal.grant()]
    assert.equal(await waited(known.token), 'admitted')
    for (let i = 0; i < 2; i++) atOnce(undefined)
    assert.equal(atOnce(fresh.token), 'grant-refused')
    assert.equal(atOnce(known.token), 'admitted')
    const elsewhere = await ask(fresh.token, SWARM, ip('10.0.0.2'))
    assert.equal(kindOf(elsewhere), 'admitted')
  })

  it('refuses a new grant while as many as it may are under verification, and takes it later', async () => {
    gate = gateWith(portal.control, 1)
    const [first, second] = [await portal.grant(), await portal.grant()]
    const waiting = ask(first.token)
    assert.equal(atOnce(second.token), 'grant-refused')
    assert.equal(failures.isLimited(HERE), false)
    assert.equal(kindOf(await waiting), 'admitted')
    assert.equal(await waited(second.token), 'admitted')
  })

  it('tells when a grant expired, known before or not, and verifies it once for that too', async () => {
    const [known, unknown] = [await portal.grant(SWARM, hours(1)), await portal.grant(SWARM, hours(1))]
    await waited(known.token)
    portal.clock.advance(millis(hours(1) + limits.clockLeeway))
    assert.equal(atOnce(known.token), 'admitted')
    portal.clock.advance(millis(1))
    assert.equal(atOnce(known.token), 'grant-expired')
    assert.equal(await waited(unknown.token), 'grant-expired')
    assert.equal(atOnce(unknown.token), 'grant-expired')
    assert.equal(failures.isLimited(HERE), false)
  })

  it('passes on what is no refusal but a bug, and is as good as before', async () => {
    const { token } = await portal.grant()
    const bug = new TypeError('keys are broken')
    let isBroken = true
    class Keys extends Map<string, PublicKey> {
      override get(kid: string): PublicKey | undefined {
        if (isBroken) throw bug
        return super.get(kid)
      }
    }
    const breaks = {
      isReady: true,
      refusalOf: () => undefined,
      grantKeys: () => new Keys(portal.control.grantKeys()),
    }
    const fails = { isReady: true, grantKeys: () => assert.fail(bug) }
    gate = gateWith(breaks as unknown as ControlView)
    await assert.rejects(Promise.resolve(ask(token)), bug)
    assert.equal(gate.pendingCount, 0)
    isBroken = false
    assert.equal(await waited(token), 'admitted')
    gate = gateWith(fails as unknown as ControlView)
    await assert.rejects(Promise.resolve(ask(token)), bug)
    assert.equal(gate.pendingCount, 0)
  })
})

describe('A grant that was verified', () => {
  it('holds to the end of its life and the leeway of clocks, and not a millisecond longer', async () => {
    const portal = await TestPortal.open()
    const { claims } = await portal.grant()
    const grant = { claims, kid: portal.key.kid, keyX: portal.key.publicKey.x }
    const end = claims.expiresAt + limits.clockLeeway
    const at = (now: number) => now as typeof claims.expiresAt
    assert.equal(hasExpired(grant, at(end)), false)
    assert.equal(hasExpired(grant, at(end + 1)), true)
    const asked = { now: at(end), control: portal.control, portalUrl: '' }
    assert.equal(refusalOfGrant(grant, { infoHash: SWARM, purpose: 'join' }, asked), undefined)
    assert.equal(
      refusalOfGrant(grant, { infoHash: OTHER_SWARM, purpose: 'join' }, asked)?.kind,
      'other-release',
    )
  })

  it('is withdrawn when the feed says so, when its key is gone, and when its key’s name has another key', async () => {
    const portal = await TestPortal.open()
    const { claims } = await portal.grant()
    const grant = { claims, kid: portal.key.kid, keyX: portal.key.publicKey.x }
    assert.equal(withdrawalOf(grant, portal.control), undefined)
    const gone = 'the key of this grant is no longer in use'
    assert.equal(withdrawalOf({ ...grant, keyX: 'another' }, portal.control), gone)
    portal.tell({ kind: 'grant-revoked', id: claims.id, until: portal.time(hours(24)) })
    assert.equal(withdrawalOf(grant, portal.control), 'grant revoked')
    const asked = { now: portal.clock.epoch(), control: portal.control, portalUrl: '' }
    assert.equal(refusalOfGrant(grant, { infoHash: SWARM, purpose: 'join' }, asked)?.reason, 'grant revoked')
    portal.tell({ kind: 'grant-key-retired', kid: portal.key.kid })
    assert.notEqual(withdrawalOf(grant, portal.control), undefined)
  })
})
