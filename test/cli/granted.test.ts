import assert from 'node:assert/strict'
import { infoHash } from '../../src/core/ids.ts'
import { hours } from '../../src/core/units.ts'
import { keepGranted } from '../../src/cli/granted.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { PortalClient } from '../../src/portal-client/index.ts'
import { newGrantId } from '../../src/wire/grant.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { answer, serve, until } from '../portal-client/fixtures.ts'

describe('announce URLs of a transfer that outlives its grant', () => {
  it('carry a fresh grant before the first one ends', async () => {
    const clock = new ManualClock()
    const id = newGrantId(clock.epoch())
    const expiresAt = (from: number): string => new Date(from + hours(24)).toISOString()
    await using server = await serve((_req, res) => {
      const grant = { id: newGrantId(clock.epoch()), expiresAt: expiresAt(clock.epoch()), token: 't' }
      answer(res, { grant, announceUrl: 'http://t.example/announce?g=second' })
    })
    const client = new PortalClient({ baseUrl: server.url, token: 'x' })
    const link = {
      magnet: 'magnet:?',
      torrentUrl: `${server.url}/dl/t.torrent`,
      playUrl: `${server.url}/play`,
      infohash: infoHash('ab'.repeat(20)),
      grant: { id, expiresAt: expiresAt(clock.epoch()) },
    }
    using granted = keepGranted(
      { clock, random: () => 1, log: silentLogger },
      { announce: [['http://t.example/announce?g=first']], grant: { id, link, client } },
    )
    assert.deepEqual(granted.announce(), [['http://t.example/announce?g=first']])
    for (let h = 0; h < 20; h++) clock.advance(hours(1))
    await until(() => granted.announce()[0]?.[0]?.endsWith('second') === true)
  })

  it('are those of the link, where there is no grant of our own', () => {
    const announce = [['http://t.example/announce?g=first']]
    using granted = keepGranted(
      { clock: new ManualClock(), random: () => 1, log: silentLogger },
      { announce },
    )
    assert.deepEqual(granted.announce(), announce)
  })
})
