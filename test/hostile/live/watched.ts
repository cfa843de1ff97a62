/** A process of ours with the loop probe inside. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { recordFigures } from '../../support/figures.ts'
import type { Child } from '../../support/processes.ts'
import { type LoopSample, SAMPLE_MS } from './loop-probe.ts'

/** Promise 1: nothing from the network stalls the loop for longer. */
const STALL_MS_MAX = 200
/** Promise 13's bound; a calm `shoal up` has 150 MB. */
export const RSS_BYTES_MAX = 500e6

const PROBE = new URL('loop-probe.ts', import.meta.url)

export class Watched implements AsyncDisposable {
  readonly child: Child
  readonly #file: string
  #since = 0

  /** `probeFile`: does not exist yet. The process must be started with the variables that `start` is given. */
  constructor(probeFile: string, start: (env: Readonly<Record<string, string>>) => Child) {
    this.#file = probeFile
    this.child = start({ NODE_OPTIONS: `--import=${PROBE.href}`, LOOP_PROBE_FILE: probeFile })
  }

  /** What was before, such as loading the program, is not looked at. Resolves when nothing of it is in a sample to come. */
  async beginWatching(): Promise<void> {
    await wait(2 * SAMPLE_MS)
    this.#since = Date.now()
  }

  /**
   * Fails when the main thread computed for longer than a loop may stand still, or held too much memory. A
   * wall-clock stall alone does not count: here other tests and programs share the CPUs.
   */
  mustHaveKeptItsPromises(what: string, rssBytesMax = RSS_BYTES_MAX): void {
    const samples = this.#samples()
    assert.ok(samples.length > 0, `the probe in ${fileURLToPath(PROBE)} wrote nothing`)
    const most = (pick: (sample: LoopSample) => number): number => Math.round(Math.max(...samples.map(pick)))
    const rssBytes = most((sample) => sample.rssBytes)
    const stallCpuMs = most((sample) => sample.cpuMs)
    recordFigures(
      what,
      {
        stallWallMs: most((sample) => sample.wallMs),
        stallCpuMs,
        waitedForCpuMs: most((sample) => sample.waitMs),
        gcMs: most((sample) => sample.gcMs),
        rssMb: Math.round(rssBytes / 1e6),
      },
      1,
    )
    assert.ok(
      stallCpuMs <= STALL_MS_MAX,
      `${what}: its main thread computed for ${stallCpuMs} ms at a stretch`,
    )
    assert.ok(rssBytes <= rssBytesMax, `${what}: it held ${rssBytes} bytes`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]()
  }

  #samples(): LoopSample[] {
    return readFileSync(this.#file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LoopSample)
      .filter((sample) => sample.at > this.#since)
  }
}
