/**
 * Our tracker as a process whose only work it is. Reads `{privateJwk, settings}` on standard input: grants by that
 * key are good. Prints its ports, of HTTP and of UDP.
 */
import { SiteMap } from '../../src/core/site.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { keepMemorySteady } from '../../src/platform/steady-memory.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { startTracker, trackerSettings } from '../../src/tracker/index.ts'
import { loadSigningKey } from '../../src/wire/signing-key.ts'

interface Given {
  readonly privateJwk: unknown
  readonly settings: Readonly<Record<string, string>>
}

keepMemorySteady()
const parts: Buffer[] = []
for await (const part of process.stdin) parts.push(Buffer.from(part as Uint8Array))
const given = JSON.parse(Buffer.concat(parts).toString()) as Given
const key = await loadSigningKey(given.privateJwk)
const control = new ControlState()
const events = [{ kind: 'grant-key' as const, key: key.publicKey }]
control.apply({ portal: 'http://127.0.0.1', seq: 1, snapshot: true, at: new Date().toISOString(), events })
const sites = new SiteMap([])
const tracker = await startTracker(
  { clock: systemClock, random: systemRandom, log: silentLogger, control, sites: () => sites },
  {
    listen: { host: '127.0.0.1', port: 0 },
    udpPort: 0,
    settings: readConfig(trackerSettings, given.settings),
  },
)
process.on('SIGTERM', () => process.exit()) // so that a profile is written
process.stdout.write(`${tracker.port} ${tracker.udp?.port ?? 0}\n`)
