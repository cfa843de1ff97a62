/**
 * The embedded SQLite database, opened. WAL with `synchronous=FULL`: what was acknowledged is on the disk.
 *
 * Two connections write: this one, and the ledger's in its worker thread (`grants/ledger-worker.ts`). Both
 * begin with `begin immediate` and wait for each other at most `BUSY_MS`: a transaction that first
 * reads and then writes would otherwise fail at once when the other has committed in between.
 */
import Sqlite from 'better-sqlite3'
import {
  CompiledQuery,
  Kysely,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type Driver,
  type SqliteDatabase,
  type SqliteStatement,
  type TransactionSettings,
} from 'kysely'
import { quote } from '../../core/file-name.ts'
import { ShoalError } from '../../core/errors.ts'
import { openConnection } from './connection.ts'
import { migrate } from './migrations.ts'
import type { Database, Tables } from './tables.ts'

class ImmediateDriver extends SqliteDriver {
  readonly #connection: Sqlite.Database

  constructor(database: SqliteDatabase, connection: Sqlite.Database) {
    super({ database })
    this.#connection = connection
  }

  /** One that says it only reads takes no lock and waits for no writer: in WAL it sees one moment of the database. */
  override async beginTransaction(
    connection: DatabaseConnection,
    settings?: TransactionSettings,
  ): Promise<void> {
    const begin = settings?.accessMode === 'read only' ? 'begin deferred' : 'begin immediate'
    await connection.executeQuery(CompiledQuery.raw(begin))
  }

  /**
   * On a full or failing disk SQLite has rolled back by itself; "no transaction is active" would then hide why.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#connection.inTransaction) await super.rollbackTransaction(connection)
  }
}

/**
 * Pages that are kept, KiB: the index of names and words of a hundred thousand bundles. With SQLite's own 16 MiB a
 * search read most of what it needed from the system again.
 */
const CACHE_KIB = 64 * 1_024

/** Statements that are kept prepared: the query layer makes the same few dozen texts again and again. */
const STATEMENTS_MAX = 500

/** The connection as Kysely sees it. A statement is run to its end at once, so sharing one is safe. */
class PreparedOnce implements SqliteDatabase {
  readonly #connection: Sqlite.Database
  readonly #statements = new Map<string, Sqlite.Statement>()

  constructor(connection: Sqlite.Database) {
    this.#connection = connection
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#connection.prepare(sql)
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear() // lists of many lengths, mostly
    this.#statements.set(sql, statement)
    return statement
  }

  close(): void {
    this.#statements.clear()
    this.#connection.close()
  }
}

class ImmediateDialect extends SqliteDialect {
  readonly #database: SqliteDatabase
  readonly #connection: Sqlite.Database

  constructor(connection: Sqlite.Database) {
    const database = new PreparedOnce(connection)
    super({ database })
    this.#database = database
    this.#connection = connection
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.#database, this.#connection)
  }
}

/**
 * Opens or makes the database and brings its schema up to date. The caller ends it with `destroy()`.
 * @throws ShoalError `unavailable` with what to do when the file is damaged or no database.
 */
export async function openDatabase(file: string): Promise<Database> {
  let db: Database | undefined
  try {
    const connection = openConnection(file)
    connection.pragma(`cache_size = -${CACHE_KIB}`)
    db = new Kysely<Tables>({ dialect: new ImmediateDialect(connection) })
    await migrate(db)
    return db
  } catch (error) {
    await db?.destroy()
    throw translated(error, file)
  }
}

function translated(error: unknown, file: string): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error
  const is = (code: string): boolean => error.code.startsWith(code)
  const why =
    is('SQLITE_NOTADB') || is('SQLITE_CORRUPT')
      ? 'is damaged or no database: restore it from a backup, or move it away to start with an empty catalogue'
      : is('SQLITE_BUSY')
        ? 'is in use by another process: stop that one first'
        : is('SQLITE_CANTOPEN') || is('SQLITE_READONLY')
          ? 'cannot be opened for writing: look at the permissions of the file and its folder'
          : undefined
  return why === undefined ? error : new ShoalError('unavailable', `${quote(file)} ${why}`, { cause: error })
}
