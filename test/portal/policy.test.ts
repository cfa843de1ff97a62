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

const account = (role: Account['role'], user: string, ...groups: string[]): Account => ({
  user,
  role,
  groups,
})

/** Everybody that a rule could treat differently, seen from a bundle of `ann` for the group `ops` and for `noa`. */
const PEOPLE = {
  admin: account('admin', 'zed'),
  origin: account('origin', 'origin'),
  owner: account('publisher', 'ann'),
  /** Published it, and may publish no more. */
  demoted: account('viewer', 'ann'),
  colleague: account('publisher', 'bob', 'ops'),
  stranger: account('publisher', 'sam', 'board'),
  viewer: account('viewer', 'vera', 'ops'),
  named: account('viewer', 'noa'),
  operator: account('operator', 'opal'),
  auditor: account('auditor', 'odo'),
  outsider: account('viewer', 'otto', 'sales', 'ann'), // a group may be called like the owner
} as const
type Who = keyof typeof PEOPLE
const EVERYBODY = Object.keys(PEOPLE) as Who[]

const bundle = { owner: 'ann', audience: ['ops', 'noa'] }
const grant = { forUser: 'vera', issuedBy: 'ann' }

const AUDIENCE: readonly Who[] = ['colleague', 'viewer', 'named']
/** Who sees what is there without being meant by it. */
const STAFF: readonly Who[] = ['operator', 'auditor']
const READERS: readonly Who[] = ['admin', 'origin', 'owner', 'demoted', ...STAFF, ...AUDIENCE]
const PUBLIC: ReadonlySet<ReleaseState> = new Set(['live', 'missing', 'recalled'])

/** Which actions there are of a kind, and who may do each: the policy written a second time, as a table. */
type Rule = readonly (readonly [Action, readonly Who[]])[]
const RULES: { readonly [K in Action['kind']]: Rule } = {
  'create-bundle': [[{ kind: 'create-bundle' }, ['admin', 'origin', 'owner', 'colleague', 'stranger']]],
  'choose-from-library': [[{ kind: 'choose-from-library' }, ['admin', 'owner', 'colleague', 'stranger']]],
  'use-draft': [[{ kind: 'use-draft', draft: { owner: 'ann' } }, ['admin', 'owner']]],
  'read-bundle': [[{ kind: 'read-bundle', bundle }, READERS]],
  'read-release': zReleaseState.options.map((state) => [
    { kind: 'read-release', bundle, state },
    PUBLIC.has(state) ? READERS : ['admin', 'origin', 'owner', 'demoted', ...STAFF],
  ]),
  'add-release': [[{ kind: 'add-release', bundle }, ['admin', 'owner']]],
  'read-holders': [[{ kind: 'read-holders', bundle }, ['admin', 'owner', ...STAFF]]],
  'note-watched': [[{ kind: 'note-watched', bundle }, READERS.filter((who) => who !== 'origin')]],
  'read-learning': [[{ kind: 'read-learning', bundle }, ['admin', 'owner', 'auditor']]],
  'admit-guests': [[{ kind: 'admit-guests', bundle }, ['admin', 'owner']]],
  'change-bundle': [[{ kind: 'change-bundle', bundle }, ['admin', 'owner']]],
  'describe-release': [[{ kind: 'describe-release', bundle }, ['admin', 'owner', 'origin']]],
  'recall-release': [[{ kind: 'recall-release', bundle }, ['admin', 'owner', 'operator']]],
  link: zReleaseState.options.map((state) => [
    { kind: 'link', bundle, state, forUser: 'somebody else' },
    ['admin', 'owner'],
  ]),
  'read-grant': [[{ kind: 'read-grant', grant }, ['admin', 'owner', 'demoted', 'viewer', ...STAFF]]],
  'renew-grant': [[{ kind: 'renew-grant', grant }, ['admin', 'owner', 'demoted', 'viewer']]],
  'revoke-grant': [[{ kind: 'revoke-grant', grant }, ['admin', 'owner', 'demoted', 'viewer', 'operator']]],
  serve: [[{ kind: 'serve' }, ['admin', 'origin']]],
  'read-sites': [[{ kind: 'read-sites' }, ['admin', 'origin', 'owner', 'colleague', 'stranger', 'operator']]],
  'manage-devices': [[{ kind: 'manage-devices' }, ['admin']]],
  'use-device': [[{ kind: 'use-device', device: { user: 'vera' } }, ['admin', 'viewer']]],
  'read-all-grants': [[{ kind: 'read-all-grants' }, ['admin', ...STAFF]]],
  'revoke-user': [[{ kind: 'revoke-user' }, ['admin', 'operator']]],
  'manage-tokens': [[{ kind: 'manage-tokens' }, ['admin']]],
  'manage-keys': [[{ kind: 'manage-keys' }, ['admin', 'operator']]],
  'set-sites': [[{ kind: 'set-sites' }, ['admin', 'operator']]],
  'read-audit': [[{ kind: 'read-audit' }, ['admin', ...STAFF]]],
  'read-metrics': [[{ kind: 'read-metrics' }, ['admin', 'operator']]],
  'read-figures': [[{ kind: 'read-figures' }, ['admin', ...STAFF]]],
  'read-people': [[{ kind: 'read-people' }, ['admin', ...STAFF]]],
  'manage-people': [[{ kind: 'manage-people' }, ['admin']]],
}

const allowed = (action: Action): Who[] => EVERYBODY.filter((who) => may(PEOPLE[who], action))

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

  it('lets nobody change what they do not own, but admins, and operators who take it back', () => {
    fc.assert(
      fc.property(someAccount, someBundle, (who, bundle) => {
        const isOwner = who.user === bundle.owner && (who.role === 'publisher' || who.role === 'origin')
        for (const kind of ['add-release', 'admit-guests', 'change-bundle', 'recall-release'] as const)
          assert.equal(
            may(who, { kind, bundle }),
            who.role === 'admin' || isOwner || (kind === 'recall-release' && who.role === 'operator'),
          )
      }),
      RUNS,
    )
  })

  for (const [kind, rules] of Object.entries(RULES))
    it(`lets those of the table ${kind}, and nobody else`, () => {
      for (const [action, who] of rules)
        assert.deepEqual(allowed(action).sort(), [...who].sort(), JSON.stringify(action))
    })

  it('gives everybody a link of their own to what they may read', () => {
    for (const state of zReleaseState.options)
      for (const who of EVERYBODY) {
        const { user } = PEOPLE[who]
        const isMeant = !STAFF.includes(who) // who runs Shoal sees it, and fetches only what is for them
        const isReadable = isMeant && may(PEOPLE[who], { kind: 'read-release', bundle, state })
        assert.equal(may(PEOPLE[who], { kind: 'link', bundle, state, forUser: user }), isReadable, who)
      }
  })

  it('lets an origin change the bundles of its own library', () => {
    const own = { owner: 'origin', audience: [] }
    assert.equal(may(PEOPLE.origin, { kind: 'add-release', bundle: own }), true)
    assert.equal(may(PEOPLE.origin, { kind: 'recall-release', bundle: own }), true)
    assert.equal(may(PEOPLE.origin, { kind: 'link', bundle: own, state: 'live', forUser: 'vera' }), false)
  })

  it('means every account by "everyone"', () => {
    const open = { owner: 'ann', audience: ['everyone'] }
    assert.deepEqual(allowed({ kind: 'read-bundle', bundle: open }), EVERYBODY)
  })

  it('knows no action but those: another is a bug, not a yes', () => {
    assert.throws(() => may(PEOPLE.viewer, { kind: 'fly' } as unknown as Action))
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
