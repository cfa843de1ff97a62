/** All that ever hurt a program of this kind, against processes of ours that really run. */
import { recordFigures } from '../support/figures.ts'
import { attacksOnEngine } from './live/attacks-on-engine.ts'
import { attacksOnInspect } from './live/attacks-on-inspect.ts'
import { attacksOnUp } from './live/attacks-on-up.ts'

describe('attacked while it runs', function () {
  this.timeout(120_000)
  let beganMs = 0

  before(() => {
    beganMs = performance.now()
  })
  after(() => {
    recordFigures(
      'hostile inputs replayed',
      { seconds: Math.round((performance.now() - beganMs) / 1_000) },
      1,
    )
  })

  attacksOnInspect()
  attacksOnUp()
  attacksOnEngine()
})
