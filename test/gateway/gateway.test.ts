/** The gateway's child as it really runs, with pages that are programs: content, ends, revocation. */
import assert from 'node:assert/strict'
import { MiB } from '../../src/core/units.ts'
import { untilEvent } from '../support/processes-shoal.ts'
import { GatewayWorld } from './gateway-world.ts'

describe('the gateway', function () {
  this.timeout(60_000)
  let world: GatewayWorld

  before(async () => {
    world = await GatewayWorld.start(8 * MiB)
    world.watch()
  })
  after(() => world[Symbol.asyncDispose]())

  it('gives a page that plays what is on the disk, byte for byte', async () => {
    const viewer = await world.viewer()
    const { sha256 } = await untilEvent(viewer, 'done', AbortSignal.timeout(40_000))
    assert.equal(sha256, world.sha256)
  })
})
