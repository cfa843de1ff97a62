/** The child as a process of the system. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BeginChild } from './supervisor.ts'

/** What a child may know of its surroundings: which certificates to believe, where compiled code is kept. No secret. */
const ENVIRONMENT = [
  'NODE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'TZ',
  'LANG',
  'TMPDIR',
  'SystemRoot',
]
/** Of what it writes to standard error, for the log when it ends: native code says there why. */
const LAST_WORDS_CHARS = 500
/** Of its JavaScript; all its memory is bounded by the supervisor. */
const HEAP_MIB = 512

export const beginChildProcess: BeginChild = ({ onMessage, onExit }) => {
  const env = Object.fromEntries(
    ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  ) as NodeJS.ProcessEnv
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MIB}`, fileURLToPath(new URL('./child.ts', import.meta.url))],
    { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced' },
  )
  let lastWords = ''
  let isOver = false
  const over = (how: string): void => {
    if (isOver) return
    isOver = true
    onExit(lastWords === '' ? how : `${how}: ${lastWords}`)
  }
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = `${lastWords}${text}`.slice(-LAST_WORDS_CHARS)
  })
  child.on('message', onMessage)
  child.on('error', (error) => {
    over(error.message)
  })
  child.on('exit', (code, signal) => {
    over(signal ?? `code ${code}`)
  })
  return {
    pid: child.pid,
    send: (message) => {
      if (child.connected) child.send(message, () => undefined) // one that has just ended is heard of by `exit`
    },
    kill: () => {
      child.kill('SIGKILL')
    },
  }
}
