/** Topologies as the lab draws them, simulated: nobody waits for the slow, whatever else is so. */
import assert from 'node:assert/strict'
import { KiB, MiB, seconds } from '../../src/core/units.ts'
import { drawPlan } from '../../bench/lab/draw.ts'
import type { LabPlan } from '../../bench/lab/plan.ts'
import { figuresOfPlan, swarmOfPlan } from '../../bench/support/drawn-swarm.ts'

const RATES = { wanMbit: 20, lanMbit: 100, originMbit: 20 }

async function figuresOf(
  plan: LabPlan,
  { seed, sizeBytes }: { readonly seed: number; readonly sizeBytes: number },
): Promise<ReturnType<typeof figuresOfPlan>> {
  await using swarm = await swarmOfPlan(plan, { sizeBytes, pieceLength: 32 * KiB, seed })
  assert.ok(await swarm.run(seconds(400)), 'somebody was not done')
  for (const host of swarm.hosts) assert.ok(swarm.holdsAll(host), host.address)
  return figuresOfPlan(plan, sizeBytes, swarm)
}

describe('a topology drawn by chance', () => {
  // One fast host and twelve behind a thin link; three sites; four sites of one, and a thin one of five.
  for (const [seed, mib] of [
    [7, 8],
    [7, 16],
    [8, 16],
    [13, 16],
  ] as const)
    it(`is done near its bound, and no site waits for the thin one (${seed}, ${mib} MiB)`, async () => {
      const sizeBytes = mib * MiB
      const plan = drawPlan(seed, { rates: RATES, sizeBytes, clients: ['shoal'] })
      const figures = await figuresOf(plan, { seed, sizeBytes })
      const said = JSON.stringify(figures)
      assert.ok((figures.lastOverBound ?? Infinity) <= 1.35, said)
      assert.ok((figures.wanOverLeastMost ?? Infinity) <= 1.35, said)
      assert.ok((figures.worstOverAlone ?? Infinity) <= 2, said)
    })
})
