/**
 * An upload by tus through the portal of `shoal up`: how fast, and how much memory, beside a server of twenty lines that
 * writes what it gets to the same disk (node:http and a file stream), in one run, alternating.
 *
 *     node bench/upload.ts [GIB=10] [ROUNDS=1]
 *
 * Prints one JSON line. Half way through, the connection is cut and the upload goes on from what the portal says it has.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../test/support/processes.ts'
import { startShoal, untilEvent } from '../test/support/processes-shoal.ts'
import { cpuSecondsOf } from './support/usage.ts'

const GIB = 2 ** 30
const sizeBytes = Number(process.argv[2] ?? 10) * GIB
const rounds = Number(process.argv[3] ?? 1)
const PORTION = 32 * 2 ** 20
const CHUNK = Buffer.alloc(2 ** 20, 7)
const SAMPLE_EVERY_MS = 200

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/** Sends `bytes` in chunks as fast as they are taken; `cutAfter` bytes the connection is destroyed. */
function send(
  url: string,
  options: { method: string; headers: Record<string, string>; bytes?: number; cutAfter?: number },
): Promise<Answer | 'cut'> {
  const { method, headers, bytes = 0, cutAfter = Infinity } = options
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method, headers: { ...headers, 'content-length': String(bytes) } },
      (res) => {
        let body = ''
        res.on('data', (chunk: Buffer) => (body += chunk.toString()))
        res.on('end', () => {
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body })
        })
      },
    )
    asked.on('error', (error) => {
      if (asked.destroyed && cutAfter < Infinity) resolve('cut')
      else reject(error)
    })
    let sent = 0
    const more = (): void => {
      while (sent < bytes) {
        if (sent >= cutAfter) {
          asked.destroy()
          return
        }
        const next = Math.min(CHUNK.length, bytes - sent)
        sent += next
        if (!asked.write(CHUNK.subarray(0, next))) {
          asked.once('drain', more)
          return
        }
      }
      asked.end()
    }
    more()
  })
}

function mustBe(answer: Answer | 'cut', status: number): Answer {
  if (answer === 'cut' || answer.status !== status)
    throw new Error(`${status} expected: ${answer === 'cut' ? 'cut' : `${answer.status} ${answer.body}`}`)
  return answer
}

const rssMiB = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN) / 1_024

async function throughPortal(): Promise<{
  seconds: number
  cpuSeconds: number
  idleMiB: number
  peakMiB: number
}> {
  const dir = await mkdtemp(join(tmpdir(), 'shoal-upload-'))
  const up = startShoal({ dataDir: dir }, 'up', '--listen', '127.0.0.1:0', '--peer-port', '0')
  try {
    const { portal } = await untilEvent(up, 'ready')
    const base = String(portal)
    const token = (await readFile(join(dir, 'admin.token'), 'utf8')).trim()
    const auth = { authorization: `Bearer ${token}` }
    const ask = async (path: string, body: object): Promise<{ id: string }> => {
      const answer = await fetch(`${base}/api/v1${path}`, {
        method: 'POST',
        headers: { ...auth, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(await answer.text())
      return (await answer.json()) as { id: string }
    }
    const { id } = await ask('/drafts', {})
    await ask(`/drafts/${id}/files`, { files: [{ path: 'big.bin', sizeBytes }] })
    const tus = { ...auth, 'tus-resumable': '1.0.0' }
    await sleep(1_000)
    const idleMiB = await rssMiB(up.pid)
    let peakMiB = idleMiB
    const sampler = setInterval(() => {
      void rssMiB(up.pid).then((now) => (peakMiB = Math.max(peakMiB, now)))
    }, SAMPLE_EVERY_MS)
    const metadata = `draft ${btoa(id)},path ${btoa('big.bin')}`
    const startedAt = performance.now()
    const cpuBefore = cpuSecondsOf(up.pid)
    const begun = mustBe(
      await send(`${base}/api/v1/uploads`, {
        method: 'POST',
        headers: { ...tus, 'upload-length': String(sizeBytes), 'upload-metadata': metadata },
      }),
      201,
    )
    const url = base + String(begun.headers['location'])
    let wasCut = false
    for (let offset = 0; offset < sizeBytes;) {
      const isHalf: boolean = !wasCut && offset >= sizeBytes / 2
      const bytes = Math.min(PORTION, sizeBytes - offset)
      const headers = {
        ...tus,
        'upload-offset': String(offset),
        'content-type': 'application/offset+octet-stream',
      }
      const answer = await send(url, {
        method: 'PATCH',
        headers,
        bytes,
        ...(isHalf && { cutAfter: bytes / 2 }),
      })
      wasCut ||= isHalf
      if (answer !== 'cut') {
        offset = Number(mustBe(answer, 204).headers['upload-offset'])
        continue
      }
      await sleep(500)
      offset = Number(mustBe(await send(url, { method: 'HEAD', headers: tus }), 200).headers['upload-offset'])
    }
    const seconds = (performance.now() - startedAt) / 1_000
    clearInterval(sampler)
    return { seconds, cpuSeconds: cpuSecondsOf(up.pid) - cpuBefore, idleMiB, peakMiB }
  } finally {
    await up[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  }
}

/** The same bytes in one request to the simplest server there is; synced like ours. */
async function plainly(): Promise<{ seconds: number; cpuSeconds: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'shoal-upload-'))
  const receiver = join(import.meta.dirname, 'support', 'plain-receiver.ts')
  const child = new Child({ argv: [process.execPath, receiver, join(dir, 'big.bin')] })
  try {
    const port = await child.untilLine((line) => (/^\d+$/.test(line) ? line : undefined))
    const startedAt = performance.now()
    const cpuBefore = cpuSecondsOf(child.pid)
    mustBe(await send(`http://127.0.0.1:${port}/`, { method: 'PUT', headers: {}, bytes: sizeBytes }), 200)
    const seconds = (performance.now() - startedAt) / 1_000
    return { seconds, cpuSeconds: cpuSecondsOf(child.pid) - cpuBefore }
  } finally {
    await child[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  }
}

const best = {
  ours: Infinity,
  plain: Infinity,
  oursCpu: Infinity,
  plainCpu: Infinity,
  idleMiB: 0,
  peakMiB: 0,
}
for (let round = 0; round < rounds; round++) {
  const ours = await throughPortal()
  const plain = await plainly()
  best.plain = Math.min(best.plain, plain.seconds)
  best.plainCpu = Math.min(best.plainCpu, plain.cpuSeconds)
  best.ours = Math.min(best.ours, ours.seconds)
  best.oursCpu = Math.min(best.oursCpu, ours.cpuSeconds)
  best.idleMiB = Math.max(best.idleMiB, ours.idleMiB)
  best.peakMiB = Math.max(best.peakMiB, ours.peakMiB)
}
const rounded = (value: number): number => Number(value.toFixed(2))
console.log(
  JSON.stringify({
    bench: 'upload',
    at: new Date().toISOString(),
    gib: sizeBytes / GIB,
    oursSeconds: rounded(best.ours),
    plainSeconds: rounded(best.plain),
    ratio: rounded(best.plain / best.ours),
    oursCpuSeconds: rounded(best.oursCpu),
    plainCpuSeconds: rounded(best.plainCpu),
    cpuRatio: rounded(best.oursCpu / best.plainCpu),
    idleMiB: rounded(best.idleMiB),
    peakMiB: rounded(best.peakMiB),
  }),
)
