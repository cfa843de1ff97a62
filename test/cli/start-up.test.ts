import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const SRC = join(import.meta.dirname, '..', '..', 'src', 'cli')

/** Prints a line for every module that is loaded when these files are imported. */
const LIST_MODULES = `
  import { registerHooks } from 'node:module'
  registerHooks({ load(url, context, next) { console.log(url); return next(url, context) } })
  for (const file of process.argv.slice(1)) await import(file)`

async function modulesOf(...files: readonly string[]): Promise<string[]> {
  const args = ['--input-type=module', '--eval', LIST_MODULES, ...files.map((file) => join(SRC, file))]
  return (await promisify(execFile)(process.execPath, args)).stdout.trim().split('\n')
}

/** Names of packages among the modules. */
function packagesIn(modules: readonly string[]): Set<string> {
  return new Set(modules.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []))
}

describe('what is loaded at the start', () => {
  it('of `shoal get` holds only packages that it needs before its first announce', async () => {
    const modules = await modulesOf('run.ts', 'commands/get.ts')
    assert.ok(modules.some((url) => url.endsWith('/src/swarm/engine.ts')))
    assert.deepEqual(packagesIn(modules), new Set(['commander', 'ipaddr.js', 'pretty-bytes', 'pretty-ms']))
  })

  it('of `shoal get` has no import of node:http, which reads a whole HTTP client with it', async () => {
    const modules = await modulesOf('run.ts', 'commands/get.ts')
    assert.deepEqual(
      modules.filter((url) => /^node:https?$/.test(url)),
      [],
    )
  })

  it('of the command line alone is commander and what prints numbers', async () => {
    const packages = packagesIn(await modulesOf('run.ts'))
    assert.deepEqual(packages, new Set(['commander', 'pretty-bytes', 'pretty-ms']))
  })
})
