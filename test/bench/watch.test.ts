/** The parts of bench/watch that start nothing: what is asked for, where viewers jump to, what is counted and said. */
import assert from 'node:assert/strict'
import { classesIn, countedSince } from '../../bench/watch/meters.ts'
import { filmSeconds, readWatchOptions } from '../../bench/watch/options.ts'
import type { Seen } from '../../bench/watch/probe.ts'
import { lineOf, textOf } from '../../bench/watch/report.ts'
import type { WatchResult } from '../../bench/watch/run.ts'
import { seekTarget } from '../../bench/watch/seek-target.ts'
import type { ViewerResult } from '../../bench/watch/show.ts'

const asked = (text = '') => readWatchOptions(text.split(' ').filter((part) => part !== ''))

describe('the options of bench/watch', () => {
  it('ask for four viewers of an hour of film when there are none', () => {
    const options = asked()
    assert.deepEqual(
      [options.viewers, options.gapSeconds, options.seconds, options.serverMbit, options.lanMbit],
      [4, 20, 180, 40, 100],
    )
    assert.equal(filmSeconds(options.film), 1_600)
    assert.deepEqual([options.leave, options.hasLiar, options.hasRealAddresses], [0, false, false])
    assert.deepEqual([options.browsers, options.film.framesPerSecond, options.film.isLight], [4, 25, false])
  })

  it('refuse what cannot be', () => {
    for (const text of [
      '--viewers 0',
      '--viewers 4.5',
      '--sites 5',
      '--browsers 0',
      '--browsers 5',
      '--browsers 1 --sites 2',
      '--sites 0',
      '--leave 4',
      '--seconds 0',
      '--gap 1.5',
      '--size-mb 10 --seconds 17',
      '--seconds 1541',
    ])
      assert.throws(() => asked(text), RangeError, text)
    assert.throws(() => asked('--likes 3'))
  })
})

describe('a jump', () => {
  it('goes where the player holds nothing, elsewhere each time, and the same for a seed', () => {
    const seen = { durationSeconds: 1_600, buffered: [[0, 500], [900, 1_000]] } as const // prettier-ignore
    const places = Array.from({ length: 50 }, (_, seed) => seekTarget(seen, seed))
    assert.ok(places.every((at) => at >= 0 && at < 1_600))
    for (const [from, until] of seen.buffered) assert.ok(places.every((at) => at < from || at > until))
    assert.equal(new Set(places).size, 50)
    assert.equal(seekTarget(seen, 7), places[7])
  })

  it('goes to the middle of a film that is all there', () => {
    assert.equal(seekTarget({ durationSeconds: 60, buffered: [[0, 60]] }, 1), 30)
  })
})

describe('the meters of bench/watch', () => {
  it('read what tc prints, by class', () => {
    const text = `class htb 1:102 root prio 0 rate 10Gbit ceil 10Gbit burst 1046250b cburst 0b
 Sent 4500 bytes 3 pkt (dropped 0, overlimits 0 requeues 0)
 backlog 0b 0p requeues 0

class htb 1:fff root prio 0 rate 10Gbit ceil 10Gbit burst 1046250b cburst 0b
 Sent 42 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)
`
    assert.deepEqual([...classesIn(text)], [
      [0x102, { bytes: 4_500, packets: 3 }],
      [0xfff, { bytes: 42, packets: 1 }],
    ]) // prettier-ignore
  })

  it('tell what came since', () => {
    const counted = (n: number) => ({
      browsers: [{ server: 10 * n, gateway: 2 * n, others: n }],
      serverSentBytes: 100 * n,
      serverWireBytes: 110 * n,
    })
    assert.deepEqual(countedSince(counted(1), counted(3)), counted(2))
  })
})

describe('the report of bench/watch', () => {
  const seen: Seen = {
    isThere: true,
    firstFrameMs: 700,
    playingMs: 800,
    stalls: [],
    positionSeconds: 160,
    durationSeconds: 1_600,
    playedSeconds: 160,
    buffered: [[0, 200]],
    source: '/film',
    error: null,
    figures: { colleaguesBytes: '90', serverBytes: '10', gatewayBytes: '4' },
    isSecure: true,
    isControlled: true,
    nowMs: 161_000,
  }
  const viewer = (name: string, more: Partial<ViewerResult> = {}): ViewerResult => ({
    ...{ name, arrivedSeconds: 0, hasLeft: false, atStart: seen, atEnd: seen, watchedSeconds: 161 },
    ...{ seeksMs: [400, 600, 2_000], stallsAfterSeeks: 0, hasRightBytes: true, cpuSeconds: 9, troubles: [] },
    ...more,
  })
  const resultOf = (viewers: readonly ViewerResult[], more: Partial<WatchResult> = {}): WatchResult => ({
    filmBytes: 1e9,
    headBytes: 1e6,
    starts: [
      { way: 'plain', firstFrameMs: 500, playingMs: 510, seekMs: 300 },
      { way: 'watch', firstFrameMs: 600, playingMs: 610, seekMs: null },
    ],
    viewers,
    counted: {
      browsers: [
        { server: 90e6, gateway: 10e6, others: 0 },
        { server: 5e6, gateway: 5e6, others: 90e6 },
      ],
      serverSentBytes: 125e6,
      serverWireBytes: 131e6,
    },
    pace: [],
    serverCpuSeconds: 4,
    liar: undefined,
    machine: { loadBefore: 1, loadAfter: 2, cpuWaitShare: 0.3 },
    ...more,
  })
  const two = [viewer('a'), viewer('b')]
  const line = (viewers: readonly ViewerResult[] = two, more: Partial<WatchResult> = {}, text = '') =>
    lineOf(asked(text), resultOf(viewers, more), new Date(0))

  it('counts copies by what one viewer received, and by what one could show', () => {
    const { server } = line()
    assert.deepEqual([server.copies, server.copiesOfHeld, server.gatewayBytes], [1.25, 1, 15e6])
  })

  it("counts a gateway's bytes as the server's, by the kernel and by the page", () => {
    const { last, each } = line()
    assert.deepEqual(last, { byKernel: 0.9, byPage: 0.9 })
    assert.deepEqual(
      each.map(({ page, behindSeconds }) => [page, behindSeconds]),
      Array(2).fill([{ server: 6, gateway: 4, others: 90 }, 0.2]),
    )
  })

  it('goes by the figures of the pages where several share a browser, of which the kernel knows the sum', () => {
    const browsers = [{ server: 5e6, gateway: 3e6, others: 0 }]
    const counted = { browsers, serverSentBytes: 150, serverWireBytes: 160 }
    const { server, last, each, othersShare } = line(two, { counted }, '--viewers 2 --browsers 1')
    assert.deepEqual([server.copies, server.gatewayBytes], [1.5, 3e6])
    assert.deepEqual(last, { byKernel: null, byPage: 0.9 })
    assert.deepEqual(othersShare, { byKernel: null, byPage: 0.9 })
    assert.ok(each.every(({ kernel }) => kernel === null))
  })

  it('sets our page beside a bare video, and says which goals are met', () => {
    const ours = line()
    assert.equal(ours.starts.overPlain, 1.2)
    assert.deepEqual(ours.problems, [])
    const text = textOf(ours)
    assert.match(text, /first picture, p50 .* 0\.70 s +met/)
    assert.match(text, /jump, p50 +<= 1 s +0\.60 s +met/)
    const stalled = { ...seen, stalls: [{ atMs: 5_000, ms: 300, aheadSeconds: 0 }] }
    assert.match(textOf(line([viewer('a', { atEnd: stalled })])), /stalls .* 1 \(1 with nothing left\), 300 ms +NOT MET/) // prettier-ignore
  })

  it('takes what a player says that it holds for less, by the head of the film', () => {
    // 1 MB of 1,000 in front: 1.6 s of 1,600.
    const stalled = (aheadSeconds: number) =>
      line([viewer('a', { atEnd: { ...seen, stalls: [{ atMs: 5_000, ms: 300, aheadSeconds }] } })])
    assert.deepEqual(
      [0, 1.85, 2.5, 2.7, 9].map((ahead) => stalled(ahead).stalls.starved),
      [1, 1, 1, 0, 0],
    )
  })

  it('asks for fewer copies of viewers that come one after the other', () => {
    assert.match(textOf(line()), /copies that the server sent +<= 1\.4 /)
    assert.match(textOf(line(two, {}, '--gap 0')), /copies that the server sent +<= 2 /)
  })

  it('is of no success when somebody did not play, had other bytes, or the liar found nobody', () => {
    const noPicture = viewer('a', { failure: 'no picture' })
    const stood = viewer('b', { atEnd: { ...seen, playedSeconds: 20 } })
    const broken = viewer('c', { atEnd: { ...seen, error: '3 decode' } })
    const other = viewer('d', { hasRightBytes: false })
    const unseen = viewer('e', { hasRightBytes: null })
    const { problems } = line([noPicture, stood, broken, other, unseen], {}, '--liar')
    assert.deepEqual(
      problems.map((problem) => problem.slice(0, 14)),
      [
        'a: no picture',
        'b played 20.0 ',
        'c: the player ',
        'd: its bytes d',
        'e: its bytes d',
        'nobody asked t',
      ],
    )
  })

  it('takes it that somebody who has left had no time to compare bytes', () => {
    assert.deepEqual(line([viewer('a', { hasLeft: true, hasRightBytes: null }), viewer('b')]).problems, [])
  })
})
