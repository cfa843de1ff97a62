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
/** A server that is busy is asked again; then the player is let try again by itself. */
const RETRY_AFTER_MS = [500, 1_500, 4_000]
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
  const isShort = self.navigator.userAgent.includes('Chrome/')
  const wanted = wantedFrom(asked, asked.from)
  const given = page === undefined ? undefined : await partOfPage(page, wanted)
  // Through, as it comes, and not once it is here: the line may be slow.
  if (given === undefined && isShort) return await throughFromServer(page, wanted)
  const first = given ?? (await partOfServer(page, wanted))
  if (first === undefined) return Response.error()
  const { bytes, sizeBytes, type } = first
  const end = Math.min(asked.end, sizeBytes)
  const until = isShort ? asked.from + bytes.byteLength : end
  const body = isShort ? bytes : streamOf(asked, page, { first: bytes, end })
  return new Response(body, {
    status: 206,
    headers: headersOf({ from: asked.from, end: until, sizeBytes, type }),
  })
}

const headersOf = (part: { from: number; end: number; sizeBytes: number; type: string }): HeadersInit => ({
  'Accept-Ranges': 'bytes',
  'Cache-Control': 'no-store',
  'Content-Length': String(part.end - part.from),
  'Content-Range': `bytes ${part.from}-${part.end - 1}/${part.sizeBytes}`,
  'Content-Type': part.type,
})

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
        const part =
          next === undefined
            ? ((page === undefined ? undefined : await partOfPage(page, wantedFrom(asked, at))) ??
              (await partOfServer(page, wantedFrom(asked, at))))
            : { bytes: next }
        next = undefined
        if (part === undefined) {
          controller.error(new Error('the server refuses'))
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

type Wanted = Omit<ReadRequest, 'kind'>

const wantedFrom = ({ path, end }: Asked, from: number): Wanted => ({
  path,
  from,
  bytesMax: Math.min(ANSWER_BYTES, end - from),
})

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

/** The server's answer as it comes; an error, which a player tries again, where it refuses. */
async function throughFromServer(page: Client | undefined, wanted: Wanted): Promise<Response> {
  const found = await askServer(wanted)
  if (found === undefined) return Response.error()
  const { response, sizeBytes, type } = found
  const end = Math.min(wanted.from + wanted.bytesMax, sizeBytes)
  notePassed(page, wanted, end - wanted.from)
  return new Response(response.body, { status: 206, headers: headersOf({ ...wanted, end, sizeBytes, type }) })
}

async function partOfServer(page: Client | undefined, wanted: Wanted): Promise<Part | undefined> {
  const found = await askServer(wanted)
  if (found === undefined) return undefined
  const { response, sizeBytes, type } = found
  const bytes = await response.arrayBuffer()
  notePassed(page, wanted, bytes.byteLength)
  return { bytes, sizeBytes, type }
}

function notePassed(page: Client | undefined, { path, from }: Wanted, bytes: number): void {
  const note: PassedNote = { kind: 'passed', path, from, bytes }
  page?.postMessage(note)
}

/**
 * Undefined where it refuses, after a few tries: a player that is told 503 or 429 gives up for good, so it is not told. Who is
 * signed out, or may not have it, is not tried again.
 */
async function askServer({ path, from, bytesMax }: Wanted) {
  const headers = { Range: `bytes=${from}-${from + bytesMax - 1}` }
  for (const wait of RETRY_AFTER_MS) {
    const response = await fetch(path, { headers })
    const sizeBytes = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1])
    const type = response.headers.get('content-type') ?? 'application/octet-stream'
    if (response.status === 206 && Number.isSafeInteger(sizeBytes)) return { response, sizeBytes, type }
    await response.body?.cancel()
    if (response.status < 429) return undefined
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
  return undefined
}
