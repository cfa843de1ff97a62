/**
 * Stands between the player and the network: what it asks for is answered by the page, which has it from colleagues. Where the
 * page does not answer (it is not ready, or not able to), the server is asked, as if nobody stood here.
 *
 * Chromium asks again for what an answer left out, so each answer is short: nothing has to stay alive between two of them, and a
 * jump takes nothing back. Other browsers are given all in one answer, a part at a time as they take it.
 */
import {
  ANSWER_BYTES,
  FILE_PATH,
  type PassedNote,
  type ReadReply,
  type ReadRequest,
} from '../stream-messages.ts'

declare const self: ServiceWorkerGlobalScope

/** A page that has not said by then that it looks for the bytes does not know of them. */
const KNOWN_WITHIN_MS = 300
/** A page that was shut says nothing; one that looks for bytes has a server to fall back on, too. */
const ANSWERED_WITHIN_MS = 60_000
const RANGE = /^bytes=(\d{1,15})-(\d{0,15})$/

self.addEventListener('install', () => void self.skipWaiting())
self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim())
})
self.addEventListener('message', (event) => {
  if (isClaim(event.data)) event.waitUntil(self.clients.claim())
})
self.addEventListener('fetch', (event) => {
  const { request, clientId } = event
  const url = new URL(request.url)
  const range = RANGE.exec(request.headers.get('range') ?? '')
  const isPlayer = request.destination === 'video' || request.destination === 'audio'
  if (request.method !== 'GET' || !isPlayer || range === null || !FILE_PATH.test(url.pathname)) return
  const from = Number(range[1])
  const end = range[2] === undefined || range[2] === '' ? Infinity : Number(range[2]) + 1
  event.respondWith(answer({ clientId, path: url.pathname, from, end }))
})

const isClaim = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'claim'

interface Asked {
  readonly clientId: string
  readonly path: string
  readonly from: number
  readonly end: number
}

/** Bytes of the file from some place on, at least one. */
interface Part {
  readonly bytes: ArrayBuffer
  readonly sizeBytes: number
  readonly type: string
}

async function answer(asked: Asked): Promise<Response> {
  const page = await self.clients.get(asked.clientId)
  const first = await partOf(asked, page, asked.from)
  if (first instanceof Response) return first
  const { bytes, sizeBytes, type } = first
  const end = Math.min(asked.end, sizeBytes)
  const isShort = self.navigator.userAgent.includes('Chrome/')
  const until = isShort ? asked.from + bytes.byteLength : end
  return new Response(isShort ? bytes : streamOf(asked, page, { first: bytes, end }), {
    status: 206,
    headers: {
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'no-store',
      'Content-Length': String(until - asked.from),
      'Content-Range': `bytes ${asked.from}-${until - 1}/${sizeBytes}`,
      'Content-Type': type,
    },
  })
}

function streamOf(
  asked: Asked,
  page: Client | undefined,
  { first, end }: { readonly first: ArrayBuffer; readonly end: number },
): ReadableStream<Uint8Array> {
  let at = asked.from
  let next: ArrayBuffer | undefined = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const part = next === undefined ? await partOf(asked, page, at) : { bytes: next }
        next = undefined
        if (part instanceof Response) {
          controller.error(new Error(`the server answered ${part.status}`))
          return
        }
        const bytes = new Uint8Array(part.bytes).subarray(0, end - at)
        at += bytes.length
        controller.enqueue(bytes)
        if (at >= end) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/** From the page, or the server; where that refuses, its answer. */
async function partOf(asked: Asked, page: Client | undefined, from: number): Promise<Part | Response> {
  const bytesMax = Math.min(ANSWER_BYTES, asked.end - from)
  const given = page === undefined ? undefined : await partOfPage(page, { path: asked.path, from, bytesMax })
  return given ?? (await partOfServer(page, { path: asked.path, from, bytesMax }))
}

type Wanted = Omit<ReadRequest, 'kind'>

/** Undefined: the page does not give it. */
function partOfPage(page: Client, wanted: Wanted): Promise<Part | undefined> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    const over = (part?: Part): void => {
      clearTimeout(timer)
      port1.close()
      resolve(part)
    }
    let timer = setTimeout(over, KNOWN_WITHIN_MS)
    port1.onmessage = (event: MessageEvent<ReadReply>) => {
      if (event.data.kind === 'coming') {
        clearTimeout(timer)
        timer = setTimeout(over, ANSWERED_WITHIN_MS)
      } else over(event.data.kind === 'bytes' ? event.data : undefined)
    }
    const request: ReadRequest = { kind: 'read', ...wanted }
    page.postMessage(request, [port2])
  })
}

async function partOfServer(
  page: Client | undefined,
  { path, from, bytesMax }: Wanted,
): Promise<Part | Response> {
  const response = await fetch(path, { headers: { Range: `bytes=${from}-${from + bytesMax - 1}` } })
  const sizeBytes = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1])
  if (response.status !== 206 || !Number.isSafeInteger(sizeBytes)) return response
  const bytes = await response.arrayBuffer()
  const note: PassedNote = { kind: 'passed', path, from, bytes: bytes.byteLength }
  page?.postMessage(note)
  return { bytes, sizeBytes, type: response.headers.get('content-type') ?? 'application/octet-stream' }
}
