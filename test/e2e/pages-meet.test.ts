/**
 * Two pages in a real browser, with nothing but what browsers have: they find each other through our tracker and
 * open a data channel. No library is between them and the tracker.
 */
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { listenHttp, type HttpListener } from '../../src/platform/http-listener.ts'
import { TestTracker } from '../tracker/http-support.ts'
import { randomPeerId, SWARM, TestPortal } from '../tracker/support.ts'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'

/** Joins the swarm with one offer, and notes what it hears by data channel. */
const PAGE = `<!doctype html><script>
const heard = []
async function gathered(peer) {
  while (peer.iceGatheringState !== 'complete')
    await new Promise((resolve) => peer.addEventListener('icegatheringstatechange', resolve, { once: true }))
  return peer.localDescription.sdp
}
function join({ tracker, infoHash, peerId }) {
  const greet = (channel) => {
    channel.onmessage = (event) => heard.push(event.data)
    channel.onopen = () => channel.send('hello from ' + peerId)
  }
  const ids = { action: 'announce', info_hash: infoHash, peer_id: peerId }
  const offering = new RTCPeerConnection({ iceServers: [] })
  greet(offering.createDataChannel('shoal'))
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(tracker)
    socket.onerror = () => reject(new Error('the tracker refused the WebSocket'))
    socket.onopen = async () => {
      await offering.setLocalDescription()
      const offers = [{ offer_id: peerId, offer: { type: 'offer', sdp: await gathered(offering) } }]
      socket.send(JSON.stringify({ ...ids, event: 'started', left: 1, numwant: 1, offers }))
    }
    socket.onmessage = async (event) => {
      const { interval, offer, answer, offer_id, peer_id: to_peer_id } = JSON.parse(event.data)
      if (interval !== undefined) resolve()
      if (answer !== undefined) await offering.setRemoteDescription(answer)
      if (offer === undefined) return
      globalThis.answering = new RTCPeerConnection({ iceServers: [] })
      answering.ondatachannel = ({ channel }) => greet(channel)
      await answering.setRemoteDescription(offer)
      await answering.setLocalDescription()
      const mine = { type: 'answer', sdp: await gathered(answering) }
      socket.send(JSON.stringify({ ...ids, to_peer_id, offer_id, answer: mine }))
    }
  })
}
</script>`

describe('Two pages in a real browser', function () {
  this.timeout(120_000)
  let portal: TestPortal
  let tracker: TestTracker
  let pages: HttpListener
  let browser: Browser

  before(async function () {
    needs(this, CHROMIUM)
    portal = await TestPortal.open()
    tracker = await TestTracker.start(portal)
    pages = await listenHttp((_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end(PAGE), {
      host: '127.0.0.1',
      port: 0,
    })
    browser = await launchChromium(
      '--allow-loopback-in-peer-connection',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
    )
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await (pages as HttpListener | undefined)?.[Symbol.asyncDispose]()
    await (tracker as TestTracker | undefined)?.[Symbol.asyncDispose]()
  })

  async function visit(): Promise<{ page: Page; peerId: string }> {
    const page = await (await browser.newContext()).newPage()
    await page.goto(`http://127.0.0.1:${pages.port}/`)
    const { token } = await portal.grant()
    const peerId = Buffer.from(randomPeerId(), 'hex').toString('latin1')
    const infoHash = Buffer.from(SWARM, 'hex').toString('latin1')
    const visitor = { tracker: `ws://127.0.0.1:${tracker.port}/announce?g=${token}`, infoHash, peerId }
    await page.evaluate(`join(${JSON.stringify(visitor)})`)
    return { page, peerId }
  }

  const untilHeard = async ({ page }: { page: Page }, text: string): Promise<void> => {
    await page.waitForFunction(`heard.includes(${JSON.stringify(text)})`, undefined, { timeout: 60_000 })
  }

  it('open a data channel to each other by the offer and answer that the tracker passes on', async () => {
    const ann = await visit()
    const ben = await visit()
    await untilHeard(ann, `hello from ${ben.peerId}`)
    await untilHeard(ben, `hello from ${ann.peerId}`)
    const { browserPeers, offersPassedOn, answersPassedOn } = tracker.stats()
    assert.deepEqual([browserPeers, offersPassedOn, answersPassedOn], [2, 1, 1])
  })

  it('leave the swarm when they are closed', async () => {
    for (const context of browser.contexts()) await context.close()
    while (tracker.stats().browserPeers > 0) await tracker.get('/healthz')
    assert.equal(tracker.stats().swarms, 0)
  })
})
