/** The ledger's thread: each message is a group of acts, committed in one transaction before it is answered. */
import { parentPort, workerData } from 'node:worker_threads'
import { openConnection } from '../database/connection.ts'
import { LedgerCommit } from './ledger-commit.ts'
import type { LedgerAct } from './ledger.ts'

const port = parentPort
if (port === null) throw new Error('this file is for a worker thread')

const connection = openConnection(String(workerData))
const commit = new LedgerCommit(connection)

port.on('message', (acts: readonly LedgerAct[] | 'close') => {
  if (acts === 'close') {
    connection.close()
    port.close()
  } else {
    port.postMessage(commit.commitGroup(acts))
  }
})
port.postMessage('ready')
