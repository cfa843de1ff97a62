import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteCatalogue } from '../../src/portal/catalogue/sqlite-catalogue.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { Journal } from '../../src/portal/journal.ts'
import { describeCatalogue, type CatalogueUnderTest } from '../contract/catalogue.contract.ts'
import type { ManualClock } from '../support/manual-clock.ts'

async function open(file: string, clock: ManualClock): Promise<CatalogueUnderTest> {
  const db = await openDatabase(file)
  const catalogue = new SqliteCatalogue({ db, clock, journal: new Journal({ db, clock }) })
  return { catalogue, [Symbol.asyncDispose]: () => db.destroy() }
}

describeCatalogue('SqliteCatalogue in memory', (clock) => open(':memory:', clock))

describeCatalogue('SqliteCatalogue in a file', async (clock) => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-catalogue-'))
  const opened = await open(join(folder, 'portal.sqlite'), clock)
  return {
    catalogue: opened.catalogue,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
})
