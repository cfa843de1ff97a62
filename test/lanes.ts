/**
 * Which test files run beside which when the whole suite does (`scripts/run-lanes.ts`). The lanes of a phase run at the same
 * time, each a mocha of its own; a file that no lane names is in `computing`.
 */
import { globSync } from 'node:fs'

export type Lane = 'computing' | 'uncounted' | 'programs' | 'pages' | 'networks' | 'alone'

/** By the beginnings of paths; the longest that fits counts. */
const LANES: Readonly<Record<Exclude<Lane, 'computing'>, readonly string[]>> = {
  /**
   * What computes most. Counting what it covers would double its time: `src/web` is not counted at all, and the rest has tests
   * of its own.
   */
  uncounted: [
    'test/bench/',
    'test/hostile/fuzz.test.ts',
    'test/portal/api-matrix.test.ts',
    'test/swarm/limiting/limits.test.ts',
    'test/swarm/sites.test.ts',
    'test/tracker/introductions.test.ts',
    'test/tracker/websocket-hostile.test.ts',
    'test/web/',
  ],
  /** Programs of ours on loopback: they wait for each other, and for time to pass, most of their time. */
  programs: ['test/e2e/', 'test/faults/', 'test/cli/'],
  /** The same with a browser before them. */
  pages: [
    'test/e2e/every-page.test.ts',
    'test/e2e/figures-in-browser.test.ts',
    'test/e2e/gateway.test.ts',
    'test/e2e/journeys-in-browser.test.ts',
    'test/e2e/login.test.ts',
    'test/e2e/operating.test.ts',
    'test/e2e/pages-in-browser.test.ts',
    'test/e2e/people-in-browser.test.ts',
    'test/e2e/publish-in-browser.test.ts',
    'test/e2e/watch-from-server.test.ts',
  ],
  /** Stock clients, networks of their own (namespaces), and others with seconds of work in minutes of waiting. */
  networks: [
    'test/interop/',
    'test/e2e/leaks.test.ts',
    'test/e2e/watch-leaks.test.ts',
    'test/e2e/canary.test.ts',
    'test/e2e/doctor.test.ts',
    'test/e2e/web-seed.test.ts',
  ],
  /** What measures how fast something is or who is first, and what needs this machine's own network (WebRTC between pages). */
  alone: [
    'test/bench/lab.test.ts',
    'test/gateway/gateway.test.ts',
    'test/interop/one-swarm.test.ts',
    'test/e2e/main-path.test.ts',
    'test/e2e/pages-meet.test.ts',
    'test/faults/disk-full.test.ts',
    'test/faults/killed-publish.test.ts',
    'test/hostile/live.test.ts',
    'test/hostile/watching.test.ts',
    'test/e2e/watch-in-browser.test.ts',
    'test/e2e/watch-in-firefox.test.ts',
  ],
}

/** Of nothing but work: they yield to the others of their phase, which wait for each other and have limits of time. */
export const YIELDING: ReadonlySet<Lane> = new Set(['computing', 'uncounted'])

/** The lanes that go beside each other. */
export const PHASES: readonly (readonly Lane[])[] = [
  ['programs', 'pages', 'networks', 'computing', 'uncounted'],
  ['alone'],
]

/** Every test file of the suite, by its lane. @throws Error for a beginning that fits no file. */
export function filesByLane(root: string): ReadonlyMap<Lane, readonly string[]> {
  const files = globSync('test/**/*.test.ts', { cwd: root }).toSorted()
  const named = Object.entries(LANES).flatMap(([lane, starts]) => starts.map((start) => ({ lane, start })))
  const idle = named.filter(({ start }) => !files.some((file) => file.startsWith(start)))
  if (idle.length > 0)
    throw new Error(`test/lanes.ts names no file by ${idle.map(({ start }) => start).join(', ')}`)
  return Map.groupBy(files, (file) => laneOf(file, named))
}

function laneOf(file: string, named: readonly { readonly lane: string; readonly start: string }[]): Lane {
  const fits = named.filter(({ start }) => file.startsWith(start))
  const best = fits.toSorted((a, b) => b.start.length - a.start.length)[0]
  return (best?.lane ?? 'computing') as Lane
}
