/** What a run showed: one line of JSON, and a table for whoever watches. Pure. */
import { round, spreadOf, sum } from '../lab/figures.ts'
import { filmSeconds, type WatchOptions } from './options.ts'
import type { Seen, Stall } from './probe.ts'
import type { WatchResult } from './run.ts'
import type { ViewerResult } from './show.ts'
import type { Start } from './starts.ts'

export type WatchLine = ReturnType<typeof lineOf>

const GOALS = {
  firstFrameMs: 2_000,
  seekMs: 1_000,
  overPlain: 1.3,
  lastFromOthers: 0.8,
  serverCopies: { oneByOne: 1.4, atOnce: 2 },
} as const
/** With so little left to be shown it is the network that a player waits for. */
const STARVED_SECONDS = 1
/** Of the time that somebody had, at least this was played, or they did not watch. */
const PLAYED_SHARE_MIN = 0.5

export function lineOf(options: WatchOptions, result: WatchResult, startedAt: Date) {
  const { film, isQuiet: _quiet, keepIn: _keep, ...asked } = options
  // Of several in one browser the kernel knows the sum alone.
  const isEachAlone = options.browsers === options.viewers
  const rows = result.viewers.map((viewer, i) =>
    rowOf(viewer, isEachAlone ? result.counted.browsers[i] : undefined),
  )
  const fetchedMost = Math.max(1, ...rows.map(({ kernel, page }) => allOf(kernel ?? page)))
  const heldMost = Math.max(0, ...result.viewers.map(({ atEnd }) => heldShareOf(atEnd))) * result.filmBytes
  const { serverSentBytes, serverWireBytes } = result.counted
  const stalls = result.viewers.flatMap(({ atEnd }) => atEnd?.stalls ?? [])
  // A player tells what it holds by bytes, as if the film began with its first byte: it has less, by the head of the file.
  const headSeconds = (result.headBytes / result.filmBytes) * filmSeconds(film)
  return {
    bench: 'watch',
    at: startedAt.toISOString(),
    ...asked,
    ...film,
    filmBytes: result.filmBytes,
    firstFrameMs: spreadOf(rows.map((row) => row.firstFrameMs ?? undefined)),
    /** Until the film moves: a picture may stand for a while. */
    playingMs: spreadOf(rows.map((row) => row.playingMs ?? undefined)),
    seekMs: spreadOf(result.viewers.flatMap(({ seeksMs }) => seeksMs.flatMap((ms) => ms ?? []))),
    seeks: result.viewers.flatMap(({ seeksMs }) =>
      seeksMs.map((ms) => (ms === null ? null : Math.round(ms))),
    ),
    starts: startsOf(result.starts),
    stalls: {
      count: stalls.length,
      totalMs: Math.round(sum(stalls.map(({ ms }) => ms))),
      /** With nothing left to be shown; the others are of the machine. */
      starved: stalls.filter(({ aheadSeconds }) => aheadSeconds - headSeconds < STARVED_SECONDS).length,
      afterSeeks: sum(result.viewers.map((viewer) => viewer.stallsAfterSeeks)),
    },
    last: { byKernel: shareOf(rows.at(-1)?.kernel), byPage: shareOf(rows.at(-1)?.page) },
    othersShare: {
      byKernel: shareOf(together(rows.map(({ kernel }) => kernel))),
      byPage: shareOf(together(rows.map(({ page }) => page))),
    },
    server: {
      sentBytes: serverSentBytes,
      wireBytes: serverWireBytes,
      gatewayBytes: sum(result.counted.browsers.map(({ gateway }) => gateway)),
      /** Over the most that came to one viewer: all that came to others may be the same bytes. */
      copies: heldMost === 0 ? null : round(serverSentBytes / fetchedMost),
      /** Over the most that one viewer had played or had ready to be played. */
      copiesOfHeld: heldMost === 0 ? null : round(serverSentBytes / heldMost),
      cpuSeconds: round(result.serverCpuSeconds),
    },
    each: rows,
    /** Sums of all browsers since the first came, every ten seconds. */
    pace: result.pace.map(({ browsers }) => together(browsers)),
    liar: result.liar ?? null,
    machine: result.machine,
    problems: problemsOf(options, result),
  }
}

type Counts = { readonly server: number; readonly gateway: number; readonly others: number }

function rowOf(viewer: ViewerResult, kernel: Counts | null = null) {
  const { atStart, atEnd } = viewer
  const stalls = atEnd?.stalls ?? []
  return {
    name: viewer.name,
    arrivedSeconds: viewer.arrivedSeconds,
    hasLeft: viewer.hasLeft,
    firstFrameMs: whole(atStart?.firstFrameMs),
    playingMs: whole(atStart?.playingMs),
    playedSeconds: round(atEnd?.playedSeconds ?? 0),
    watchedSeconds: round(viewer.watchedSeconds),
    /** What is missing of its time, and neither start nor stalls: a machine that is too slow plays slowly. */
    behindSeconds: behindOf(viewer),
    stalls: stalls.map(({ atMs, ms, aheadSeconds }: Stall) => ({
      atMs: Math.round(atMs),
      ms: Math.round(ms),
      aheadSeconds: round(aheadSeconds),
    })),
    kernel,
    page: pageCountsOf(atEnd),
    pageSays: atEnd?.figures ?? null,
    isSecure: atEnd?.isSecure ?? null,
    isControlled: atEnd?.isControlled ?? null,
    hasRightBytes: viewer.hasRightBytes,
    cpuSeconds: round(viewer.cpuSeconds),
    troubles: viewer.troubles,
  }
}

function behindOf({ atStart, atEnd, watchedSeconds }: ViewerResult): number | null {
  if (atEnd === undefined) return null
  const stood = sum(atEnd.stalls.map(({ ms }) => ms)) + (atStart?.playingMs ?? 0)
  return round(watchedSeconds - stood / 1_000 - atEnd.playedSeconds)
}

/** As the page says it: what came from the server counts what its gateway sent. */
function pageCountsOf(seen: Seen | undefined): Counts | null {
  const figures = seen?.figures
  if (figures === null || figures === undefined) return null
  const of = (name: string): number => Number(figures[name] ?? 0)
  const gateway = of('gatewayBytes')
  return { server: of('serverBytes') - gateway, gateway, others: of('colleaguesBytes') }
}

function together(all: readonly (Counts | null)[]): Counts {
  const there = all.filter((each) => each !== null)
  return {
    server: sum(there.map(({ server }) => server)),
    gateway: sum(there.map(({ gateway }) => gateway)),
    others: sum(there.map(({ others }) => others)),
  }
}

const allOf = (counts: Counts | null): number =>
  counts === null ? 0 : counts.server + counts.gateway + counts.others

/** What came from other viewers, of all that came; null when nothing did. */
function shareOf(counts: Counts | null | undefined): number | null {
  const all = allOf(counts ?? null)
  return all === 0 ? null : round((counts?.others ?? 0) / all)
}

/** Of the film. */
function heldShareOf(seen: Seen | undefined): number {
  if (seen === undefined || !(seen.durationSeconds > 0)) return 0
  return Math.max(seen.positionSeconds, ...seen.buffered.map(([, until]) => until)) / seen.durationSeconds
}

function startsOf(starts: readonly Start[]) {
  const of = (way: Start['way']) => {
    const those = starts.filter((start) => start.way === way)
    const [firstFrameMs, seekMs] = [
      those.map((start) => Math.round(start.firstFrameMs)),
      those.map(({ seekMs }) => seekMs),
    ]
    return {
      firstFrameMs,
      p50: spreadOf(firstFrameMs)?.median ?? null,
      seekP50: spreadOf(seekMs.map((ms) => ms ?? undefined))?.median ?? null,
    }
  }
  const [watch, plain] = [of('watch'), of('plain')]
  const overPlain = watch.p50 === null || plain.p50 === null ? null : round(watch.p50 / plain.p50)
  return { watch, plain, overPlain }
}

/** Why the run is no success, whatever its figures are. */
function problemsOf({ hasLiar }: WatchOptions, { viewers, liar }: WatchResult): readonly string[] {
  const problems = viewers.flatMap(({ name, failure, atEnd, watchedSeconds, hasLeft, hasRightBytes }) => {
    if (failure !== undefined) return [`${name}: ${failure}`]
    if (atEnd === undefined) return [`${name}: nobody looked at it`]
    const found: string[] = []
    if (atEnd.error !== null) found.push(`${name}: the player says ${atEnd.error}`)
    if (atEnd.playedSeconds < PLAYED_SHARE_MIN * watchedSeconds)
      found.push(`${name} played ${atEnd.playedSeconds.toFixed(1)} s of ${watchedSeconds.toFixed(1)} s`)
    if (!hasLeft && hasRightBytes !== true) found.push(`${name}: its bytes differ from the film's`)
    return found
  })
  if (hasLiar && (liar?.liedOn ?? 0) === 0)
    problems.push('nobody asked the liar for anything: it tried nothing')
  return problems
}

interface Row {
  readonly what: string
  readonly goal: string
  readonly value: string
  readonly isMet: boolean | null
}

function rowsOf(line: WatchLine): readonly Row[] {
  const { firstFrameMs, playingMs, seekMs, stalls, starts, last, server, liar } = line
  const copiesMax = line.gapSeconds === 0 ? GOALS.serverCopies.atOnce : GOALS.serverCopies.oneByOne
  const within = (value: number | null | undefined, most: number): boolean | null =>
    value === null || value === undefined ? null : value <= most
  return [
    { what: 'first picture, p50', goal: '<= 2 s', value: seconds(firstFrameMs?.median), isMet: within(firstFrameMs?.median, GOALS.firstFrameMs) },
    { what: 'first picture, longest', goal: '', value: seconds(firstFrameMs?.most), isMet: null },
    { what: 'the film moves, p50, longest', goal: '', value: `${seconds(playingMs?.median)}, ${seconds(playingMs?.most)}`, isMet: null },
    { what: 'quiet: page / plain <video>, p50', goal: '<= 1.3', value: `${seconds(starts.watch.p50)} / ${seconds(starts.plain.p50)} = ${text(starts.overPlain)}`, isMet: within(starts.overPlain, GOALS.overPlain) },
    { what: 'quiet: jump, page / plain, p50', goal: '', value: `${seconds(starts.watch.seekP50)} / ${seconds(starts.plain.seekP50)}`, isMet: null },
    { what: 'jump, p50', goal: '<= 1 s', value: seconds(seekMs?.median), isMet: within(seekMs?.median, GOALS.seekMs) },
    { what: 'stalls after the start', goal: '0', value: `${stalls.count} (${stalls.starved} with nothing left), ${stalls.totalMs} ms`, isMet: firstFrameMs === null ? null : stalls.count === 0 },
    { what: 'last viewer, from others (kernel)', goal: '>= 80 %', value: percent(last.byKernel), isMet: last.byKernel === null ? null : last.byKernel >= GOALS.lastFromOthers },
    { what: 'last viewer, from others (page)', goal: '>= 80 %', value: percent(last.byPage), isMet: last.byPage === null ? null : last.byPage >= GOALS.lastFromOthers },
    { what: 'copies that the server sent', goal: `<= ${copiesMax}`, value: `${text(server.copies)} (${text(server.copiesOfHeld)} of what was held)`, isMet: within(server.copies, copiesMax) },
    ...(liar === null ? [] : [{ what: 'liar: lied on, of which ended', goal: 'all', value: `${liar.liedOn}, ${liar.endedAfterLies}; ${liar.blocksSent} blocks`, isMet: liar.liedOn > 0 && liar.endedAfterLies === liar.liedOn }]),
  ] // prettier-ignore
}

/** For whoever watches. */
export function textOf(line: WatchLine): string {
  const figures = rowsOf(line).map(
    ({ what, goal, value, isMet }) =>
      `  ${what.padEnd(36)} ${goal.padEnd(9)} ${value.padEnd(34)} ${isMet === null ? '' : isMet ? 'met' : 'NOT MET'}`,
  )
  const viewers = line.each.map(({ name, kernel, page, ...row }) => {
    const from = (counts: Counts | null): string =>
      counts === null ? 'no figures' : `${mb(counts.server)} + ${mb(counts.gateway)} + ${mb(counts.others)}`
    return (
      `  ${name}: ${row.playedSeconds} s of ${row.watchedSeconds} s (${text(row.behindSeconds)} s behind), MB from server + gateway + others: ` +
      `${from(kernel)} (page: ${from(page)}); ${row.cpuSeconds} CPU s${row.hasLeft ? '; left' : ''}`
    )
  })
  const { cpuWaitShare, loadBefore, loadAfter } = line.machine
  const machine = `  machine: CPU wait ${text(cpuWaitShare)}, load ${loadBefore.toFixed(1)} to ${loadAfter.toFixed(1)}; server ${line.server.cpuSeconds} CPU s`
  const problems = line.problems.map((problem) => `  PROBLEM ${problem}`)
  return [
    `${line.viewers} viewers, ${line.gapSeconds} s apart:`,
    ...figures,
    ...viewers,
    machine,
    ...problems,
  ].join('\n')
}

const seconds = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? '-' : `${(ms / 1_000).toFixed(2)} s`
const whole = (ms: number | null | undefined): number | null =>
  ms === null || ms === undefined ? null : Math.round(ms)
const percent = (share: number | null): string => (share === null ? '-' : `${(100 * share).toFixed(1)} %`)
const text = (value: number | null): string => (value === null ? '-' : String(value))
const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
