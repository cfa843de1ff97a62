import assert from 'node:assert/strict'
import { hours, seconds } from '../../src/core/units.ts'
import { AdmissionWorld } from './admission-world.ts'

describe('A grant in many hands', () => {
  const tell = async (world: AdmissionWorld): Promise<(readonly [number, boolean])[]> => {
    world.portal.clock.advance(seconds(10))
    await new Promise((resolve) => setImmediate(resolve))
    return world.shared.splice(0).map(({ addresses, isFull }) => [addresses, isFull] as const)
  }
  const use = async (world: AdmissionWorld, grant: string, from: number, to: number): Promise<void> => {
    for (let n = from; n <= to; n++) await world.announce({ grant }, `10.0.0.${n}`)
  }

  it('is told to the portal at the eighth address, not before, and when the next is turned away', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    await use(world, token, 1, 7)
    assert.deepEqual(await tell(world), [])
    await use(world, token, 8, 8)
    await use(world, token, 1, 8)
    assert.deepEqual(await tell(world), [[8, false]])
    await use(world, token, 9, 12)
    assert.deepEqual(await tell(world), [[8, true]])
    await use(world, token, 1, 12)
    assert.deepEqual(await tell(world), [])
  })

  it('is told again at each doubling, when it was made for a fleet', async () => {
    const world = await AdmissionWorld.open()
    const { token, claims } = await world.portal.grant()
    const until = world.portal.time(hours(24))
    world.portal.tell({ kind: 'grant-peers', id: claims.id, peersMax: 256, until })
    const told: number[] = []
    for (let n = 1; n <= 40; n++) {
      await use(world, token, n, n)
      told.push(...(await tell(world)).map(([addresses]) => addresses))
    }
    assert.deepEqual(told, [8, 16, 32])
  })

  it('of a few addresses is told when another is turned away', async () => {
    const world = await AdmissionWorld.open()
    const { token, claims } = await world.portal.grant()
    const until = world.portal.time(hours(24))
    world.portal.tell({ kind: 'grant-peers', id: claims.id, peersMax: 2, until })
    await use(world, token, 1, 3)
    assert.deepEqual(await tell(world), [[2, true]])
  })
})
