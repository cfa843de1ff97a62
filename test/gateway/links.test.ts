import assert from 'node:assert/strict'
import { ipAddress } from '../../src/core/address.ts'
import { infoHash, type PeerId } from '../../src/core/ids.ts'
import { SiteMap } from '../../src/core/site.ts'
import { seconds } from '../../src/core/units.ts'
import { Links, type Link, type LinkOn } from '../../src/gateway/links.ts'
import type { Connection } from '../../src/swarm/network.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { randomPeerId } from '../tracker/support.ts'
import { SDP } from '../tracker/websocket-support.ts'

const FILM = infoHash('aa'.repeat(20))
const SITES = new SiteMap([
  { name: 'lyon', cidrs: ['10.1.0.0/16'] },
  { name: 'oslo', cidrs: ['10.2.0.0/16'] },
])

/** A connection that opens when it is told, from where it is told. */
class FakeLink implements Link {
  readonly infoHash = FILM
  remote: Link['remote']
  readonly local = ipAddress('10.1.0.1')
  isOpen = false
  isEnded = false
  misses = 0
  readonly #on: LinkOn
  readonly peerId: PeerId | undefined

  constructor(on: LinkOn, peerId?: PeerId) {
    this.#on = on
    this.peerId = peerId
  }

  open(from: string): void {
    this.remote = { host: ipAddress(from), port: 4_000 }
    this.isOpen = true
    this.#on.onOpen(this, {} as Connection)
  }

  end(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#on.onEnd(this)
  }

  description = (): Promise<typeof SDP> => Promise.resolve(SDP)
  answered = (): void => undefined
}

describe('the connections of the gateway', () => {
  let clock: ManualClock
  let links: Links
  let made: FakeLink[]
  let connections: number

  beforeEach(() => {
    clock = new ManualClock()
    made = []
    connections = 0
    const keep = (link: FakeLink): FakeLink => {
      made.push(link)
      return link
    }
    links = new Links(
      {
        clock,
        make: {
          answering: (on, from) => keep(new FakeLink(on, from)),
          offering: (on) => keep(new FakeLink(on)),
        },
        siteOf: (host) => SITES.siteOf(host),
        onConnection: () => connections++,
      },
      { peersMax: 3 },
    )
  })

  function come(from: string, peerId = randomPeerId()): FakeLink {
    assert.ok(links.answer(FILM, peerId, SDP))
    const link = made.at(-1)
    assert.ok(link)
    link.open(from)
    return link
  }

  it('are as many as may be, and no more', () => {
    for (const n of [1, 2, 3, 4]) come(`10.2.0.${n}`)
    assert.equal(links.countOf(FILM), 3)
    assert.equal(connections, 3)
    assert.equal(made.at(-1)?.isEnded, true)
    assert.equal(links.refused, 1)
  })

  it('make room for one of the own site, by one of another that came last', () => {
    for (const n of [1, 2, 3]) come(`10.2.0.${n}`)
    const near = come('10.1.0.9')
    assert.equal(near.isEnded, false)
    assert.deepEqual(
      made.map(({ isEnded }) => isEnded),
      [false, false, true, false],
    )
  })

  it('keep those of the own site when one more of it comes', () => {
    for (const n of [1, 2, 3]) come(`10.1.0.${n}`)
    assert.equal(come('10.1.0.9').isEnded, true)
    assert.equal(links.countOf(FILM), 3)
  })

  it('are few while they are being made, and an offer that comes to nothing gives its place to others', () => {
    for (let n = 0; n < limits.gatewayNegotiationsMax; n++) assert.ok(links.answer(FILM, randomPeerId(), SDP))
    assert.equal(links.answer(FILM, randomPeerId(), SDP), undefined)
    clock.advance(seconds(3))
    assert.ok(links.answer(FILM, randomPeerId(), SDP))
    assert.equal(made[0]?.isEnded, true)
    assert.equal(links.refused, 2, 'the one that had to wait, and the one that gave its place')
    assert.equal(made.filter(({ isEnded }) => !isEnded).length, limits.gatewayNegotiationsMax)
  })

  it('are few with one page', () => {
    const page = randomPeerId()
    for (let n = 0; n < limits.gatewayLinksPerPeerMax; n++) assert.ok(links.answer(FILM, page, SDP))
    assert.equal(links.answer(FILM, page, SDP), undefined)
  })

  it('are few from one address', () => {
    const many = new Links(
      {
        clock,
        make: {
          answering: (on, from) => {
            const link = new FakeLink(on, from)
            made.push(link)
            return link
          },
          offering: (on) => new FakeLink(on),
        },
        siteOf: (host) => SITES.siteOf(host),
        onConnection: () => connections++,
      },
      { peersMax: 1_000 },
    )
    for (let n = 0; n < limits.gatewayLinksPerAddressMax + 5; n++) {
      many.answer(FILM, randomPeerId(), SDP)
      made.at(-1)?.open('10.2.0.1')
    }
    assert.equal(connections, limits.gatewayLinksPerAddressMax)
  })

  it('end when the tracker has twice in a row not known who is there', () => {
    const [ann, ben] = [randomPeerId(), randomPeerId()]
    const [a, b] = [come('10.1.0.1', ann), come('10.1.0.2', ben)]
    links.gone(FILM, [ann, ben], [ann])
    links.gone(FILM, [ann, ben], []) // it has come back
    links.gone(FILM, [ann, ben], [ann])
    assert.equal(a.isEnded, false)
    links.gone(FILM, [ann, ben], [ann])
    assert.equal(a.isEnded, true)
    links.gone(FILM, [ann], [ben]) // nobody asked about it
    links.gone(FILM, [ann], [ben])
    assert.equal(b.isEnded, false)
  })
})
