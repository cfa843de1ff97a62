/**
 * Runs fuzz targets and prints a line of JSON for each: a process of its own, since counting branches takes V8's
 * counters away from whoever else counts in the same process.
 *
 *     NODE_DISABLE_COMPILE_CACHE=1 node test/hostile/fuzz/main.ts RUNS SEED [NAME | SHARE/SHARES]
 *
 * `1/2` tries every other target: the shares of several processes side by side. Counting begins before a parser is
 * loaded: V8 counts blocks only in code that it compiles afterwards, and none in code that comes from a cache.
 */
import { ReachMeter } from './reach.ts'

/** With more inputs than this nothing is counted: it is slow, and they can only reach more. */
const COUNTED_RUNS_MAX = 20_000

const [runs = '1000', seed = '1', only] = process.argv.slice(2)
const isCounted = Number(runs) <= COUNTED_RUNS_MAX
const meter = isCounted ? await ReachMeter.start() : undefined
const { runTargets } = await import('./run-targets.ts')
for await (const result of runTargets({ runs: Number(runs), seed: Number(seed), meter }, only))
  process.stdout.write(`${JSON.stringify(result)}\n`)
