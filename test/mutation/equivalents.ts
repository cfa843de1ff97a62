/**
 * Mutants that no test can kill, because what they do is the same to everybody outside: each with the reason.
 * One that is killed after all, or that is made no more, fails the run: the list never hides a hole.
 */
import type { Mutant } from './instrument.ts'

export interface Equivalent extends Pick<Mutant, 'file' | 'kind' | 'was' | 'becomes'> {
  readonly why: string
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'src/portal/policy.ts',
    kind: 'answer',
    was: 'unreachable(action)',
    becomes: '!(unreachable(action))',
    why: 'unreachable() throws, so there is no answer to turn round',
  },
  {
    file: 'src/tracker/grant-gate.ts',
    kind: 'side dropped',
    was: "keys.get(kid)?.x ?? ''",
    becomes: 'keys.get(kid)?.x',
    why: 'a grant verifies only by a key of this very map, so the other side is for the compiler',
  },
  {
    file: 'src/tracker/grant-gate.ts',
    kind: 'side dropped',
    was: 'grant === undefined || error.message === refusals.grantRefused.reason',
    becomes: 'error.message === refusals.grantRefused.reason',
    why: 'a grant that cannot be read is refused with this very text, so the other side is for the compiler',
  },
  {
    file: 'src/tracker/grant-gate.ts',
    kind: 'condition',
    was: 'hasExpired(grant, now) ? grant : refusals.grantWithdrawn(error.message)',
    becomes: 'grant',
    why: 'verifyGrant gives no reason but expiry after the signature; the other way is for a reason that it may get',
  },
  {
    file: 'src/tracker/announce-hooks.ts',
    kind: 'condition',
    was: 'use.portForgotten !== undefined',
    becomes: 'true',
    why: 'removing a peer without a port removes nobody: no peer is stored without one',
  },
]

export function isThat(equivalent: Equivalent, mutant: Mutant): boolean {
  return (['file', 'kind', 'was', 'becomes'] as const).every((key) => equivalent[key] === mutant[key])
}
