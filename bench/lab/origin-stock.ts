/** A stock client that has the content, opentracker, and a .torrent by mktorrent that all hosts share. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pieceLengthFor } from '../../src/core/piece-layout.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { httpOn, startOn } from '../../test/support/namespaces.ts'
import { runOk, until, type Child } from '../../test/support/processes.ts'
import { startStockClient } from '../../test/support/stock-clients.ts'
import type { Content } from './content.ts'
import { hostsOf, type Origin, type OriginKind, type OriginParts } from './origin.ts'

const PORT = 6_969
/** mktorrent takes the logarithm of the piece length, of this at least. */
const PIECE_LENGTH_LOG2_MIN = 15

export async function startStockOrigin(
  kind: Exclude<OriginKind, 'shoal'>,
  parts: OriginParts,
  signal: AbortSignal,
): Promise<Origin> {
  const { host, content, workDir } = parts
  const torrentFile = join(workDir, 'content.torrent')
  await makeTorrent(content, `http://${host.address}:${PORT}/announce`, torrentFile)
  await using stack = new AsyncDisposableStack()
  const { infoHash } = parseTorrent(await readFile(torrentFile))
  const tracker = stack.use(await startOpentracker(parts, infoHash, signal))
  const job = {
    host,
    source: { torrentFile },
    folder: dirname(content.path),
    workDir: join(workDir, 'origin'),
  }
  const client = stack.use(await startStockClient(kind, job, signal))
  await client.untilComplete(signal)
  const pid = await pidBeside(tracker.pid, parts)
  const owned = stack.move()
  return {
    torrents: new Map(hostsOf(parts.sites).map((host) => [host.name, torrentFile])),
    pids: { tracker: tracker.pid, origin: pid },
    leave: () => process.kill(pid, 'SIGKILL'),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  }
}

/** The client's: the one process at the origin that is not the tracker. */
async function pidBeside(trackerPid: number, { namespace }: OriginParts): Promise<number> {
  const pids = (await runOk(['ip', 'netns', 'pids', namespace])).split('\n').map(Number)
  const [pid, ...more] = pids.filter((each) => each > 0 && each !== trackerPid)
  if (pid === undefined || more.length > 0) throw new Error(`not one client at the origin: ${pids.join(' ')}`)
  return pid
}

/** In pieces as long as our own publisher would make them, so that clients are compared on equal ones. */
async function makeTorrent(
  { path, sizeBytes }: Content,
  announce: string,
  torrentFile: string,
): Promise<void> {
  const log2 = Math.max(PIECE_LENGTH_LOG2_MIN, Math.log2(pieceLengthFor(sizeBytes)))
  await runOk(['mktorrent', '-p', '-a', announce, '-l', String(log2), '-o', torrentFile, path])
}

/** Debian's opentracker serves what a file lists; it leaves root and looks for the file in its folder. */
async function startOpentracker(
  { host, workDir }: OriginParts,
  infoHash: string,
  signal: AbortSignal,
): Promise<Child> {
  const folder = join(workDir, 'opentracker')
  await mkdir(folder)
  await writeFile(join(folder, 'whitelist'), `${infoHash}\n`)
  for (const path of [dirname(workDir), workDir, folder]) await chmod(path, 0o755)
  const at = ['-i', host.address, '-p', String(PORT), '-P', String(PORT)]
  const child = startOn(host, {
    cwd: folder,
    logFile: join(workDir, 'opentracker.log'),
    argv: ['opentracker', ...at, '-d', folder, '-w', 'whitelist'],
  })
  await until('opentracker to answer', () => httpOn(host, `http://${host.address}:${PORT}/stats`), signal)
  return child
}
