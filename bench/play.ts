/**
 * A film played over a slow line: how long until the first picture, how long after a jump, and how often it stands
 * still. One origin and one player, each in a network namespace of its own, the origin's line shaped; needs root.
 *
 *     node bench/play.ts [PLAYERS=shoal,libtorrent] [SECONDS=60] [MBIT=2] [LINE_MBIT=4] [ROUNDS=3]
 *
 * `shoal`: `shoal up`, and `shoal play` read over HTTP. `libtorrent`: 2.0 at both ends, pieces asked for by deadlines. The
 * model of a player: a picture when 256 KiB are there from where it is, then the film at its rate; after 15 s a jump to
 * 70 %, and on for 30 s. It reads as fast as it can, up to 30 s ahead of what it shows. Start counts from the start of
 * the process. All that Shoal plays is compared with the film. Prints a line of JSON a run.
 */
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOn } from '../test/support/namespaces.ts'
import { type Child, until } from '../test/support/processes.ts'
import { shoalOk, startShoal, untilEvent } from '../test/support/processes-shoal.ts'
import { seededBytes } from '../test/support/tree.ts'
import { LabNetwork } from './lab/topology.ts'

const [players = 'shoal,libtorrent', seconds = '60', mbit = '2', lineMbit = '4', rounds = '3'] =
  process.argv.slice(2)
const bytesPerSecond = (Number(mbit) * 1e6) / 8
const BUNDLE = 'film-mp4'
const PYTHON = '/usr/bin/python3'
const PEER_PORT = 51_413
const scriptOf = (name: string): string => new URL(name, import.meta.url).pathname

interface World {
  readonly network: LabNetwork
  readonly dir: string
  readonly film: string
  readonly torrent: string
  readonly portal: string
  readonly tokenFile: string
  readonly signal: AbortSignal
}

/** The last line that it prints, once it has ended well. */
async function resultOf(child: Child): Promise<Record<string, unknown>> {
  const { code } = await child.exited
  if (code !== 0) throw new Error(child.transcript())
  return JSON.parse(child.lines.at(-1) ?? '') as Record<string, unknown>
}

async function playShoal({ network, dir, film, portal, tokenFile, signal }: World): Promise<object> {
  const [host] = network.sites[0]?.hosts ?? []
  if (host === undefined) throw new Error('nobody plays')
  const startedAt = Date.now()
  const env = { SHOAL_PORTAL: portal, SHOAL_TOKEN_FILE: tokenFile }
  const dataDir = await mkdtemp(join(dir, 'player-'))
  await using playing = startShoal({ host, dataDir, env }, 'play', BUNDLE, '--player', 'none')
  const { url } = await untilEvent(playing, 'playing', signal)
  const model = [process.execPath, scriptOf('support/player-model.ts'), String(url), film]
  await using child = startOn(host, { argv: [...model, String(bytesPerSecond), String(startedAt)] })
  return await resultOf(child)
}

async function playLibtorrent({ network, dir, film, torrent, signal }: World): Promise<object> {
  const [host] = network.sites[0]?.hosts ?? []
  if (host === undefined) throw new Error('nobody plays')
  const seedAt = `${network.origin.address}:${PEER_PORT}`
  const library = join(film, '..')
  const seed = [PYTHON, scriptOf('libtorrent-peer.py'), torrent, library, 'seed', seedAt]
  await using seeding = startOn(network.origin, { argv: seed })
  await seeding.untilLine((line) => line === 'ready' || undefined, signal)
  const folder = await mkdtemp(join(dir, 'player-'))
  const at = `${host.address}:${PEER_PORT}`
  const player = [PYTHON, scriptOf('libtorrent-player.py'), torrent, folder, at, seedAt, film]
  const argv = [...player, String(bytesPerSecond), String(Date.now() / 1_000)]
  await using child = startOn(host, { argv })
  return await resultOf(child)
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'shoal-play-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const film = join(dir, 'library', 'film.mp4')
  await mkdir(join(dir, 'library'))
  for (let second = 0; second < Number(seconds); second++)
    await appendFile(film, seededBytes(`film ${second}`, bytesPerSecond))
  const viewer = { client: 'shoal', lanMbit: 1_000, arrivesAtSeconds: 0, acceptsConnections: true } as const
  const sites = [{ wanMbit: 1_000, hosts: [viewer] }]
  const network = stack.use(await LabNetwork.create({ originMbit: Number(lineMbit), sites }))
  const signal = AbortSignal.timeout(20 * 60_000 + 4_000 * Number(seconds) * Number(rounds))
  const where = { host: network.origin, dataDir: join(dir, 'up'), logFile: join(dir, 'up.log') }
  const portal = `http://${network.origin.address}:8080`
  const listen = ['--library', join(dir, 'library'), '--listen', `${network.origin.address}:8080`]
  const up = stack.use(startShoal(where, 'up', ...listen))
  await untilEvent(up, 'ready', signal)
  const torrent = join(dir, 'film.torrent')
  const link = (): Promise<object> => shoalOk(where, 'link', 'link', BUNDLE, '--torrent', torrent)
  await until('the film to be published', link, signal)
  const tokenFile = join(dir, 'up', 'admin.token')
  const world: World = { network, dir, film, torrent, portal, tokenFile, signal }
  for (let round = 1; round <= Number(rounds); round++)
    for (const player of players.split(',')) {
      const watched = await (player === 'shoal' ? playShoal(world) : playLibtorrent(world))
      process.stdout.write(`${JSON.stringify({ player, round, ...watched })}\n`)
    }
}

await main()
