/**
 * What a test needs of the machine. Where it is absent the test is skipped, saying which part and how to get
 * it; with `SHOAL_REQUIRE_ALL=1`, as CI sets it, that is a failure.
 *
 *     before(function () { needs(this, 'aria2c', 'namespaces') })
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'

/** Parts that are more than a program on PATH. */
const PROBES: Readonly<Record<string, () => boolean>> = {
  'python3-libtorrent': () => succeeds('/usr/bin/python3', '-c', 'import libtorrent'),
  /** Root, and a kernel that makes network namespaces. */
  namespaces: () =>
    process.platform === 'linux' && process.getuid?.() === 0 && succeeds('unshare', '--net', 'true'),
  root: () => process.getuid?.() === 0,
  /** Root, and a kernel that lets it mount. */
  mounts: () =>
    process.getuid?.() === 0 && succeeds('unshare', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'),
  /** A loopback with IPv6. */
  ipv6: () => Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1')),
  /** Images mounted as disks. */
  loop: () => process.getuid?.() === 0 && succeeds('losetup', '--find'),
}
const HOW: Readonly<Record<string, string>> = {
  namespaces: 'run the tests as root on Linux',
  root: 'run the tests as root',
  ipv6: 'run the tests where the loopback has the address ::1',
  mounts: 'run the tests as root, where mounting is allowed',
  loop: 'run the tests as root, where there are loop devices',
}
const known = new Map<string, boolean>()

/** `parts`: names of programs (on PATH, or absolute), `python3-libtorrent`, `namespaces`, `root`, `ipv6`, `mounts`, `loop`. */
export function needs(context: Mocha.Context, ...parts: readonly string[]): void {
  const missing = parts.filter((part) => !isThere(part))
  if (missing.length === 0) return
  const sentence = missing
    .map((part) => `${part} is missing (${HOW[part] ?? 'get it with: scripts/setup --system'})`)
    .join('; ')
  if (process.env.SHOAL_REQUIRE_ALL === '1') throw new Error(sentence)
  const suite = context.test?.parent?.fullTitle() ?? ''
  process.stdout.write(`    skipped: ${suite}: ${sentence}\n`)
  context.skip()
}

function isThere(part: string): boolean {
  const before = known.get(part)
  if (before !== undefined) return before
  const found = (PROBES[part] ?? (() => isProgram(part)))()
  known.set(part, found)
  return found
}

function isProgram(name: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/sbin')
  return (name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name))).some((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function succeeds(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 20_000 }).status === 0
}
