/** What is mutated, and the tests that must notice: those of the policy, of the tracker's admission and of whom it tells. */

export interface Target {
  readonly file: string
  /** Quick ones first: the first failure ends a mutant. */
  readonly specs: readonly string[]
}

/** `own` first, then those of all admission, then `also`: what is tested through more than one door. */
const admission = (own: string, ...also: readonly string[]): string[] =>
  [...new Set([own, 'grant-gate', 'grant-uses', 'admission', ...also])].map(
    (name) => `test/tracker/${name}.test.ts`,
  )

export const targets: readonly Target[] = [
  { file: 'src/portal/policy.ts', specs: ['test/portal/policy.test.ts'] },
  { file: 'src/portal/access.ts', specs: ['test/portal/access.test.ts', 'test/portal/devices.test.ts'] },
  { file: 'src/tracker/verified-grant.ts', specs: admission('grant-gate', 'leases') },
  { file: 'src/tracker/grant-gate.ts', specs: admission('grant-gate') },
  { file: 'src/tracker/grant-uses.ts', specs: admission('grant-uses') },
  {
    file: 'src/tracker/announce-hooks.ts',
    specs: admission('admission', 'tracker-core', 'leases', 'shared-grants', 'bridges'),
  },
  {
    file: 'src/tracker/tracker-core.ts',
    specs: admission('admission', 'tracker-core', 'leases', 'reach', 'bridges', 'websocket', 'udp-frontend'),
  },
  { file: 'src/tracker/minute-limiter.ts', specs: admission('bounded-tables') },
  { file: 'src/tracker/choose-peers.ts', specs: ['test/tracker/choose-peers.test.ts'] },
]
