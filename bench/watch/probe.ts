/**
 * What the harness puts into a page before its own scripts run: it starts the page's `<video>`, muted, and notes what a person
 * would see. Runs in the browser, so that it can use nothing from outside {@link probe}; times are of the page's navigation.
 */

export interface Stall {
  readonly atMs: number
  readonly ms: number
  /** What was there to be shown: with some, the machine was too slow and not the network. */
  readonly aheadSeconds: number
}

export interface Seen {
  readonly isThere: boolean
  /** From the navigation to the first picture on the screen. */
  readonly firstFrameMs: number | null
  /** The same, until the time of the film moved. */
  readonly playingMs: number | null
  readonly stalls: readonly Stall[]
  readonly positionSeconds: number
  readonly durationSeconds: number
  /** Of what a person saw, jumps left out. */
  readonly playedSeconds: number
  /** What the player holds: from and until, in seconds. */
  readonly buffered: readonly (readonly [number, number])[]
  readonly source: string
  readonly error: string | null
  /** The page's own figures, or null where it has none. */
  readonly figures: Readonly<Record<string, string>> | null
  readonly isSecure: boolean
  readonly isControlled: boolean
  readonly nowMs: number
}

export interface Probe {
  seen(): Seen
  /** Milliseconds from the jump to the first picture of the new place; null when none came in time. */
  seek(toSeconds: number, timeoutMs: number): Promise<number | null>
  /** SHA-256 of a range of the film as the page gets it, in hex. */
  digest(from: number, bytes: number): Promise<string>
}

interface Frame {
  readonly mediaTime: number
}
interface Ranges {
  readonly length: number
  start(i: number): number
  end(i: number): number
}
interface Video {
  muted: boolean
  currentTime: number
  readonly duration: number
  readonly currentSrc: string
  readonly paused: boolean
  readonly ended: boolean
  readonly seeking: boolean
  readonly buffered: Ranges
  readonly played: Ranges
  readonly error: { readonly code: number; readonly message: string } | null
  play(): Promise<void>
  addEventListener(event: string, then: () => void): void
  requestVideoFrameCallback(then: (now: number, frame: Frame) => void): void
}
declare const document: {
  querySelector(selector: string): unknown
}
declare const navigator: { readonly serviceWorker?: { readonly controller: unknown } }
declare const isSecureContext: boolean
declare const MutationObserver: new (then: () => void) => {
  observe(where: unknown, options: { readonly childList: true; readonly subtree: true }): void
}

/** As a script of the page. */
export function probe(): void {
  const JUMP_TOLERANCE_SECONDS = 2
  let video: Video | undefined
  let firstFrameMs: number | null = null
  let playingMs: number | null = null
  const stalls: Stall[] = []
  let stall: { readonly atMs: number; readonly aheadSeconds: number } | undefined
  let isJumping = false

  const rangesOf = (ranges: Ranges): [number, number][] =>
    Array.from({ length: ranges.length }, (_, i) => [ranges.start(i), ranges.end(i)])
  const aheadOf = ({ buffered, currentTime }: Video): number => {
    const range = rangesOf(buffered).find(([from, until]) => from <= currentTime && currentTime <= until)
    return range === undefined ? 0 : range[1] - currentTime
  }
  const endStall = (): void => {
    if (stall === undefined) return
    stalls.push({ ...stall, ms: performance.now() - stall.atMs })
    stall = undefined
  }
  const attach = (found: Video): void => {
    video = found
    const start = (): void => {
      found.muted = true
      if (found.paused && !found.ended) found.play().catch(() => undefined) // tried again when more is there
    }
    start()
    for (const event of ['loadedmetadata', 'canplay']) found.addEventListener(event, start)
    found.requestVideoFrameCallback(() => (firstFrameMs ??= performance.now()))
    for (const event of ['waiting', 'emptied'])
      found.addEventListener(event, () => {
        if (firstFrameMs === null || isJumping || found.seeking) return
        stall ??= { atMs: performance.now(), aheadSeconds: aheadOf(found) }
      })
    found.addEventListener('playing', endStall)
    let lastTime = 0
    found.addEventListener('timeupdate', () => {
      if (found.currentTime > 0) playingMs ??= performance.now()
      if (found.currentTime > lastTime && !found.seeking) endStall()
      lastTime = found.currentTime
    })
  }
  const look = (): void => {
    const found = document.querySelector('video') as Video | null
    if (found !== null && found !== video) attach(found)
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true })

  const seek = (toSeconds: number, timeoutMs: number): Promise<number | null> =>
    new Promise((resolve) => {
      const target = video
      if (target === undefined) throw new Error('there is no video')
      isJumping = true
      const startedMs = performance.now()
      const done = (ms: number | null): void => {
        isJumping = false
        resolve(ms)
      }
      const timer = setTimeout(() => done(null), timeoutMs)
      const onFrame = (_: number, { mediaTime }: Frame): void => {
        if (Math.abs(mediaTime - toSeconds) > JUMP_TOLERANCE_SECONDS) {
          target.requestVideoFrameCallback(onFrame)
          return
        }
        clearTimeout(timer)
        done(performance.now() - startedMs)
      }
      target.currentTime = toSeconds
      target.requestVideoFrameCallback(onFrame)
    })

  const digest = async (from: number, bytes: number): Promise<string> => {
    const headers = { range: `bytes=${from}-${from + bytes - 1}` }
    const answer = await fetch(video?.currentSrc ?? '', { headers, cache: 'no-store' })
    if (answer.status !== 206) throw new Error(`a range was answered with ${answer.status}`)
    const hash = await crypto.subtle.digest('SHA-256', await answer.arrayBuffer())
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  const seen = (): Seen => {
    const chip = document.querySelector('[data-watch]') as { dataset: Record<string, string> } | null
    const now = performance.now()
    const open = stall === undefined ? [] : [{ ...stall, ms: now - stall.atMs }]
    const played = video === undefined ? [] : rangesOf(video.played)
    return {
      isThere: video !== undefined,
      firstFrameMs,
      playingMs,
      stalls: [...stalls, ...open],
      positionSeconds: video?.currentTime ?? 0,
      durationSeconds: video?.duration ?? 0,
      playedSeconds: played.reduce((all, [from, until]) => all + until - from, 0),
      buffered: video === undefined ? [] : rangesOf(video.buffered),
      source: video?.currentSrc ?? '',
      error:
        video?.error === null || video === undefined ? null : `${video.error.code} ${video.error.message}`,
      figures: chip === null ? null : { ...chip.dataset },
      isSecure: isSecureContext,
      isControlled: (navigator.serviceWorker?.controller ?? null) !== null,
      nowMs: now,
    }
  }

  Object.assign(globalThis, { shoalBench: { seen, seek, digest } satisfies Probe })
}
