import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Account } from '../../src/portal/account.ts'
import { nextState } from '../../src/portal/catalogue/release-state.ts'
import { may, type Action } from '../../src/portal/policy.ts'
import { zReleaseState, zRole, type ReleaseState } from '../../src/wire/api.ts'

const RUNS = { numRuns: Number(process.env.FUZZ_RUNS ?? 200) }

const someName = fc.constantFrom('ann', 'bob', 'ops', 'everyone')
const someBundle = fc
  .tuple(someName, fc.array(fc.constantFrom('ann', 'ops', 'board', 'everyone'), { maxLength: 3 }))
  .map(([owner, audience]) => ({ owner, audience }))
const someAccount = fc
  .tuple(
    fc.constantFrom('ann', 'bob'),
    fc.constantFrom(...zRole.options),
    fc.array(fc.constantFrom('ops', 'board'), { maxLength: 2 }),
  )
  .map(([user, role, groups]): Account => ({ user, role, groups }))
const someState = fc.constantFrom(...zReleaseState.options)

const account = (role: Account['role'], user = 'ann', groups: string[] = []): Account => ({
  user,
  role,
  groups,
})
const link = (forUser: string, state: ReleaseState = 'live'): Action => ({
  kind: 'link',
  bundle: { owner: 'ann', audience: ['everyone'] },
  state,
  forUser,
})

describe('Policy', () => {
  it('lets nobody link what they may not read', () => {
    fc.assert(
      fc.property(someAccount, someBundle, someState, someName, (who, bundle, state, forUser) => {
        if (may(who, { kind: 'link', bundle, state, forUser }))
          assert.ok(may(who, { kind: 'read-release', bundle, state }))
      }),
      RUNS,
    )
  })

  it('lets nobody change what they do not own, but admins', () => {
    fc.assert(
      fc.property(someAccount, someBundle, (who, bundle) => {
        const isOwner = who.user === bundle.owner && who.role !== 'viewer'
        for (const kind of ['add-release', 'recall-release'] as const)
          assert.equal(may(who, { kind, bundle }), who.role === 'admin' || isOwner)
      }),
      RUNS,
    )
  })

  it('shows a bundle to its audience, its owner, origins and admins, and to nobody else', () => {
    const bundle = { owner: 'zoe', audience: ['ops', 'bob'] }
    const read = (who: Account): boolean => may(who, { kind: 'read-bundle', bundle })
    assert.equal(read(account('viewer')), false)
    assert.equal(read(account('publisher')), false)
    assert.equal(read(account('viewer', 'bob')), true)
    assert.equal(read(account('viewer', 'ann', ['ops'])), true)
    assert.equal(read(account('publisher', 'zoe')), true)
    assert.equal(read(account('origin')), true)
    assert.equal(read(account('admin')), true)
  })

  it('gives links for others to the owner who publishes and to admins only', () => {
    assert.equal(may(account('publisher', 'ann'), link('bob')), true)
    assert.equal(may(account('publisher', 'bob'), link('ann')), false)
    assert.equal(may(account('viewer', 'ann'), link('bob')), false)
    assert.equal(may(account('origin', 'origin'), link('bob')), false)
    assert.equal(may(account('admin', 'zoe'), link('bob')), true)
    assert.equal(may(account('viewer', 'bob'), link('bob')), true)
  })
})

describe('A release’s state', () => {
  it('is final once it is recalled, and live only when an origin has it', () => {
    for (const state of zReleaseState.options) {
      for (const happening of ['complete', 'missing', 'recalled'] as const) {
        const next = nextState(state, happening)
        if (state === 'recalled') assert.equal(next, undefined)
        if (next === 'live') assert.equal(happening, 'complete')
        if (next === 'missing') assert.equal(state, 'live')
      }
    }
  })
})
