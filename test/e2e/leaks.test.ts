/**
 * Promise 16: no component sends a datagram, opens a connection or asks a name server anywhere but where it was told
 * to. Every component runs on a machine of its own, from which everything is reachable as far as it knows: whom it
 * wants to reach is seen by the frames that leave it. 30 s in CI, ten minutes in the long run.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isLongRun, recordFigures } from '../support/figures.ts'
import { Lab, LAB_NEEDS, startOn, type Host } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { shoal, shoalOk, startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import { runOk, until, type Child } from '../support/processes.ts'
import { seededBytes } from '../support/tree.ts'

const WATCHED_MS = isLongRun ? 600_000 : 30_000
const SNIFFER = join(import.meta.dirname, '..', 'support', 'sniff.py')

interface Sent {
  readonly event: string
  readonly what: string
  readonly to: string
  readonly port: number
}

type Machine = ShoalWhere & { readonly host: Host; readonly name: string }

describe('A network that is watched', function () {
  this.timeout(isLongRun ? 0 : 240_000)
  const stack = new AsyncDisposableStack()
  const sniffers = new Map<string, Child>()
  const addresses = new Set<string>(['127.0.0.1'])
  let dir: string
  let lab: Lab

  async function addMachine(name: string, address: string): Promise<Machine> {
    const host = await lab.addHost(name, address)
    addresses.add(address)
    // Everywhere is next door: a packet to anywhere begins with a question for its address.
    for (const family of ['-4', '-6'])
      await runOk(host.argv(['ip', family, 'route', 'add', 'default', 'dev', 'eth0'])).catch(() => undefined)
    const sniffer = stack.use(startOn(host, { argv: ['/usr/bin/python3', SNIFFER] }))
    await sniffer.untilLine((line) => line.includes('listening') || undefined, AbortSignal.timeout(20_000))
    sniffers.set(name, sniffer)
    return { host, name, dataDir: join(dir, name) }
  }

  const sentBy = (name: string): Sent[] =>
    (sniffers.get(name)?.lines ?? [])
      .map((line) => JSON.parse(line) as Sent)
      .filter((line) => line.event === 'sent')

  /** To where nobody was told to go, and to any name server. */
  const strays = (name: string): Sent[] =>
    sentBy(name).filter((sent) => !addresses.has(sent.to) || sent.port === 53 || sent.port === 5353)

  before(async function () {
    needs(this, ...LAB_NEEDS, '/usr/bin/python3')
    dir = await mkdtemp(join(tmpdir(), 'shoal-leaks-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    lab = stack.use(await Lab.create())
  })
  after(() => stack.disposeAsync())

  it('would show a name that is asked for, and an address that nobody named', async () => {
    const { host, name } = await addMachine('control', '10.9.9.9')
    await runOk(host.argv(['curl', '--silent', '--max-time', '2', 'http://media.example/'])).catch(
      () => undefined,
    )
    await runOk(host.argv(['curl', '--silent', '--max-time', '2', 'http://10.200.0.1/'])).catch(
      () => undefined,
    )
    const strayed = strays(name)
    assert.ok(
      strayed.some((sent) => sent.port === 53 || sent.what === 'arp'),
      'the question for media.example',
    )
    assert.ok(
      strayed.some((sent) => sent.to === '10.200.0.1'),
      JSON.stringify(strayed),
    )
  })

  it('sees every component send to machines of its own company, and to nobody else', async () => {
    const server = await addMachine('server', '10.1.0.1')
    await mkdir(join(dir, 'library'))
    await writeFile(join(dir, 'library', 'film.bin'), seededBytes('film', 3_000_000))
    const up = stack.use(
      startShoal(
        server,
        ...['up', '--library', join(dir, 'library'), '--listen', '10.1.0.1:8080'],
        ...['--public-url', 'http://10.1.0.1:8080', '--udp-port', '8080'],
      ),
    )
    const { portal } = await untilEvent(up, 'ready', AbortSignal.timeout(60_000))
    const tokenFile = join(server.dataDir, 'admin.token')
    const env = { SHOAL_PORTAL: String(portal), SHOAL_TOKEN_FILE: tokenFile }
    const machine = async (name: string, address: string): Promise<Machine> => ({
      ...(await addMachine(name, address)),
      env,
    })
    const tracker = await machine('tracker', '10.2.0.1')
    const seeder = await machine('seeder', '10.2.0.2')
    const ann = await machine('ann', '10.3.0.1')
    const bob = await machine('bob', '10.4.0.1')
    await until(
      'the film to be listed',
      async () => (await shoal(ann, 'list')).events.some((e) => e.bundle === 'film-bin') || undefined,
      AbortSignal.timeout(60_000),
    )
    stack.use(startShoal(tracker, 'tracker', '--listen', '10.2.0.1:8081'))
    stack.use(startShoal(seeder, 'seeder'))
    const away = join(dir, 'away.bin')
    await writeFile(away, seededBytes('away', 1_000_000))
    stack.use(startShoal(ann, 'publish', away, '--title', 'Away', '--rights', 'ours'))
    const got = (name: string): string[] => ['--out', join(dir, `${name}-out`), '--seed', 'forever']
    const { magnet } = await shoalOk(ann, 'link', 'link', 'film-bin')
    await shoalOk(bob, 'done', 'get', String(magnet), '--out', join(dir, 'bob-once'))
    stack.use(startShoal(bob, 'get', 'film-bin', ...got('bob')))
    await shoalOk(bob, 'done', 'doctor', String(magnet), '--peer-port', '16990')
    await wait(WATCHED_MS)

    let watched = 0
    for (const { name } of [server, tracker, seeder, ann, bob]) {
      assert.deepEqual(strays(name), [], name)
      watched += sentBy(name).length
      assert.ok(
        sentBy(name).some((sent) => sent.what === 'tcp'),
        `${name} was heard at all`,
      )
    }
    recordFigures('leaks', { components: 5, destinations: watched, strays: 0, watchedMs: WATCHED_MS }, 16)
  })
})
