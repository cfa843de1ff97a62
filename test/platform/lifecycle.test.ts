import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Service, startAll } from '../../src/platform/lifecycle.ts'

function service(name: string, told: string[], fails = false): Service {
  return {
    start() {
      told.push(`start ${name}`)
      return fails ? Promise.reject(new Error(`${name} broke`)) : Promise.resolve()
    },
    [Symbol.asyncDispose]() {
      told.push(`stop ${name}`)
      return Promise.resolve()
    },
  }
}

const never = new AbortController().signal

describe('startAll', () => {
  it('starts in order and stops in reverse', async () => {
    const told: string[] = []
    const all = await startAll([service('a', told), service('b', told)], never)
    await all[Symbol.asyncDispose]()
    assert.deepEqual(told, ['start a', 'start b', 'stop b', 'stop a'])
  })

  it('stops what has started when one fails, and throws its error', async () => {
    const told: string[] = []
    const all = startAll([service('a', told), service('b', told, true), service('c', told)], never)
    await assert.rejects(all, /b broke/)
    assert.deepEqual(told, ['start a', 'start b', 'stop b', 'stop a'])
  })

  it('starts nothing after it was told to stop', async () => {
    const told: string[] = []
    await assert.rejects(startAll([service('a', told)], AbortSignal.abort(new Error('stopped'))), /stopped/)
    assert.deepEqual(told, [])
  })
})

describe('untilStopped', () => {
  const module = new URL('../../src/platform/lifecycle.ts', import.meta.url).href

  /** Runs a process that prints `ready`, and what `then` says when it is stopped. */
  async function run(then: string, within = 50) {
    const script = `const { untilStopped } = await import(process.argv[1])
      const alive = setInterval(() => {}, 1000)
      const signal = untilStopped({ within: ${within}, forcedExitCode: 9 })
      signal.addEventListener('abort', () => { console.log(signal.reason.code, signal.reason.message); ${then} })
      console.log('ready')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, module])
    await once(child.stdout, 'data')
    return child
  }

  it('is aborted by SIGTERM, and lets the process end by itself', async () => {
    const child = await run('clearInterval(alive)')
    const told = once(child.stdout, 'data')
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    assert.equal(String((await told)[0]), 'interrupted stopped by SIGTERM\n')
    assert.deepEqual(await ended, [0, null])
  })

  it('takes what reaches the process and its group at once for one wish', async () => {
    const child = await run('setTimeout(() => clearInterval(alive), 50)', 10_000)
    const told = once(child.stdout, 'data')
    child.kill('SIGTERM')
    await told
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  it('ends at once a process that is told again, later', async () => {
    const child = await run('setTimeout(() => console.log("later"), 600)', 10_000)
    child.kill('SIGTERM')
    await once(child.stdout, 'data')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [9, null])
  })

  it('ends a process that does not stop in time', async () => {
    const child = await run('')
    child.kill('SIGINT')
    assert.deepEqual(await once(child, 'exit'), [9, null])
  })
})
