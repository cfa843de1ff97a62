import assert from 'node:assert/strict'
import { epochMillis } from '../../src/core/units.ts'
import { wallTimeOf } from '../../src/platform/wall-time.ts'

describe('the time on the wall', () => {
  let zone: string | undefined
  const at = (iso: string): string => {
    const { day, minute } = wallTimeOf(epochMillis(Date.parse(iso)))
    const two = (n: number): string => String(n).padStart(2, '0')
    return `${day} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`
  }

  beforeEach(() => {
    zone = process.env['TZ']
    process.env['TZ'] = 'Europe/Berlin'
  })

  afterEach(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })

  it('is that of the zone of this machine, with Monday as the first day', () => {
    assert.equal(at('2026-11-23T00:30:00+01:00'), '0 00:30')
    assert.equal(at('2026-11-29T23:59:59+01:00'), '6 23:59')
    assert.equal(at('2026-11-29T23:30:00Z'), '0 00:30')
  })

  it('jumps over the hour that summer time takes, and has the one twice that it gives back', () => {
    assert.deepEqual([at('2026-03-29T00:59:00Z'), at('2026-03-29T01:00:00Z')], ['6 01:59', '6 03:00'])
    assert.deepEqual([at('2026-10-25T00:30:00Z'), at('2026-10-25T01:30:00Z')], ['6 02:30', '6 02:30'])
    assert.equal(at('2026-07-06T06:00:00Z'), '0 08:00')
    assert.equal(at('2026-12-07T07:00:00Z'), '0 08:00')
  })
})
