/**
 * Exits 0 when `node_modules` is what `package-lock.json` asks for, so that a set-up after a mere `git pull`
 * installs nothing. Compares the lock file that npm keeps inside `node_modules` with the project's.
 */
import { readFileSync } from 'node:fs'

interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly optional?: boolean
  readonly devOptional?: boolean
  readonly peer?: boolean
}

function packagesOf(path: string): Map<string, Locked> {
  const lock = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
    packages: Record<string, Locked>
  }
  return new Map(Object.entries(lock.packages).filter(([name]) => name !== ''))
}

function isInstalled(): boolean {
  const wanted = packagesOf('../package-lock.json')
  const present = packagesOf('../node_modules/.package-lock.json')
  for (const [name, { version, integrity }] of present) {
    const want = wanted.get(name)
    if (want === undefined || want.version !== version || want.integrity !== integrity) return false
  }
  // Packages for other platforms are left out.
  return [...wanted].every(([name, p]) => present.has(name) || p.optional === true || p.devOptional === true)
}

process.exitCode = isInstalled() ? 0 : 1
