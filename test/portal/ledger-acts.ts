import { infoHash, releaseName, slug } from '../../src/core/ids.ts'
import { addMillis, hours } from '../../src/core/units.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { LedgerAct } from '../../src/portal/grants/ledger.ts'
import { limits } from '../../src/wire/limits.ts'
import { newGrantId } from '../../src/wire/grant.ts'

/** A grant for vera, new each time. */
export function issueAct(clock: Clock): LedgerAct & { kind: 'issue' } {
  const issuedAt = clock.epoch()
  return {
    kind: 'issue',
    id: newGrantId(issuedAt),
    infohash: infoHash('ab'.repeat(20)),
    bundle: slug('fire'),
    release: releaseName('1'),
    forUser: 'vera',
    issuedBy: 'paula',
    issuedAt,
    expiresAt: addMillis(issuedAt, hours(1)),
    peersMax: limits.peersPerGrantDefault,
    kid: 'k1',
  }
}
