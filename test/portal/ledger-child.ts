/** Run by `ledger.test.ts`: issues grants as fast as it can, and names each once it is acknowledged. */
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { WorkerLedger } from '../../src/portal/grants/worker-ledger.ts'
import { Journal } from '../../src/portal/journal.ts'
import { issueAct } from './ledger-acts.ts'

const [file = ''] = process.argv.slice(2)
const db = await openDatabase(file)
const clock = systemClock
const ledger = await WorkerLedger.start({
  clock,
  log: silentLogger,
  journal: new Journal({ db, clock }),
  file,
})
process.once('disconnect', () => {
  process.exit(0)
})

async function issueForEver(): Promise<never> {
  for (;;) {
    const act = issueAct(clock)
    await ledger.commit(act)
    process.send?.(act.id)
  }
}
await Promise.all(Array.from({ length: 8 }, issueForEver))
