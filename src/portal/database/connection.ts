/**
 * A connection to the embedded SQLite database, with the settings that both writers share. It stands apart from
 * `open-database.ts` because the ledger's thread needs nothing else, and starts in a tenth of the time without.
 */
import Sqlite from 'better-sqlite3'

/** Groups of the ledger take a few milliseconds; only a stuck disk takes seconds. */
const BUSY_MS = 5_000

/** `file` may be `:memory:`. The caller closes it. */
export function openConnection(file: string): Sqlite.Database {
  const connection = new Sqlite(file, { timeout: BUSY_MS })
  try {
    connection.pragma('journal_mode = WAL')
    connection.pragma('synchronous = FULL')
    connection.pragma('foreign_keys = ON')
    connection.pragma('trusted_schema = OFF')
  } catch (error) {
    connection.close()
    throw error
  }
  return connection
}
