/**
 * The first script of the page: lets the player begin, by the server, and puts the service worker between the two; what takes it on
 * to colleagues is loaded beside it. In Chromium the player has begun already, straight from the network: it asks anew for each part,
 * and by CORS, so that it takes the next one from wherever it comes. Elsewhere it waits for the service worker, for a moment.
 */
import { patiently } from './patience.ts'
import { revive } from './revive.ts'
import { StreamDesk } from './stream-desk.ts'
import type * as Watch from './watch.ts'

const WORKER = '/watch-worker.js'
/** A player that waits for the service worker plays without it then... */
const CONTROLLED_WITHIN_MS = 1_500
/** ...and one that plays already is taken on to colleagues also when it comes late, as over a line that is full. */
const CONTROLLED_LATE_WITHIN_MS = 120_000
/** Before the player: more than it takes until colleagues can be asked. */
const ENOUGH_SECONDS = 3
/** On a slow line the rest is loaded beside the beginning of the film. */
const PICTURE_WITHIN_MS = 1_500
/** Ours come with the second script. The browser's own are not in the page: laying them out takes longer than the page itself. */
const CONTROLS_WITHIN_MS = 5_000
/** Whoever waits longer for the film's first picture is shown the release's; on a quick line it would only be in its way. */
const POSTER_AFTER_MS = 400

const page = document.querySelector<HTMLElement>('[data-watch]')
const media = page?.querySelector<HTMLMediaElement>('video, audio')
if (page && media) {
  // What fails here leaves a player with the browser's own controls, which plays from the server.
  void start(page, media).catch(() => withControls(media))
  setTimeout(() => withControls(media), CONTROLS_WITHIN_MS)
}

async function start(root: HTMLElement, player: HTMLMediaElement): Promise<void> {
  const { script = '' } = player.dataset
  const src = player.getAttribute('src') ?? player.dataset['src'] ?? ''
  revive(player)
  const why = reasonWithout()
  const desk = why === undefined ? new StreamDesk(new URL(src, location.href).pathname) : undefined
  const hasBegun = player.hasAttribute('src')
  if (hasBegun) {
    void begin(player)
    setTimeout(() => showPoster(player), POSTER_AFTER_MS)
    await firstPicture(player)
  }
  const within = hasBegun ? CONTROLLED_LATE_WITHIN_MS : CONTROLLED_WITHIN_MS
  const controlled = desk === undefined ? Promise.resolve(false) : underControl(within)
  if (!hasBegun)
    void controlled.then(() => {
      player.src = src
      void begin(player)
    })
  const watching = watchBy(script, {
    page: root,
    media: player,
    desk: controlled.then((isControlled) => (isControlled ? desk : undefined)),
    why: why ?? 'this browser lets no page stand between player and network at this moment; open it again',
  })
  desk?.expect(watching, () => aheadSeconds(player) > ENOUGH_SECONDS)
  await watching
}

async function watchBy(script: string, parts: Watch.WatchParts): Promise<void> {
  const { watch } = (await import(/* @vite-ignore */ script)) as typeof Watch
  await watch(parts)
}

function aheadSeconds({ buffered, currentTime }: HTMLMediaElement): number {
  return buffered.length === 0 ? 0 : buffered.end(buffered.length - 1) - currentTime
}

/** The browser's own, unless ours are there. */
function withControls(player: HTMLMediaElement): void {
  if (customElements.get('media-controller') === undefined) player.controls = true
}

function showPoster(player: HTMLMediaElement): void {
  const { poster } = player.dataset
  if (poster !== undefined && player instanceof HTMLVideoElement && !hasPicture(player))
    player.poster = poster
}

function hasPicture({ readyState }: HTMLMediaElement): boolean {
  return readyState >= HTMLMediaElement.HAVE_CURRENT_DATA
}

/** Whatever else has to be loaded would only keep it back. */
async function firstPicture(player: HTMLMediaElement): Promise<void> {
  if (hasPicture(player)) return
  await new Promise<void>((resolve) => {
    player.addEventListener('loadeddata', () => resolve(), { once: true })
    setTimeout(resolve, PICTURE_WITHIN_MS)
  })
}

/** Not by the attribute: with answers that end, Chromium would wait for more than it asks for. A browser may say no. */
function begin(player: HTMLMediaElement): Promise<void> {
  return player.play().catch(() => undefined)
}

/** Why this browser takes nothing from colleagues; undefined when it can. */
function reasonWithout(): string | undefined {
  if (!isSecureContext)
    return 'this page was not opened by HTTPS, and without it browsers let no page talk to colleagues'
  if (typeof RTCPeerConnection === 'undefined') return 'this browser has no WebRTC, or it is switched off'
  if (!('serviceWorker' in navigator))
    return 'this browser lets no page stand between player and network, as in a private window'
  return undefined
}

async function underControl(withinMs: number): Promise<boolean> {
  const { serviceWorker } = navigator
  try {
    const registering = patiently(() =>
      serviceWorker.register(WORKER, { scope: '/bundles/', updateViaCache: 'none' }),
    )
    registering.catch(() => undefined) // it is told by nobody being in control
    if (serviceWorker.controller !== null) return true
    return await Promise.race([
      new Promise<boolean>((resolve) => {
        serviceWorker.addEventListener('controllerchange', () => resolve(true), { once: true })
        // After a reload past all caches it is there, and stands aside until it is asked.
        void registering.then(
          ({ active }) => active?.postMessage({ kind: 'claim' }),
          () => resolve(false),
        )
      }),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), withinMs)),
    ])
  } catch {
    return false
  }
}
