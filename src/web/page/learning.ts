/** Tells the portal what was really played, where the company records it: the page says so, and without that it sends nothing. */
import { learningLimits } from '../../wire/limits-learning.ts'
import { WatchedRanges } from '../watched-ranges.ts'
import { WatchedTeller } from '../watched-teller.ts'
import type { PageFacts } from './portal.ts'

const EVERY_MS = 15_000
const EVENTS = ['timeupdate', 'play', 'pause', 'seeking', 'seeked', 'ratechange', 'waiting', 'ended'] as const

export function recordWatching(media: HTMLMediaElement, facts: PageFacts): void {
  const watched = new WatchedRanges({ countMax: learningLimits.watchedRangesMax })
  const observe = (): void => {
    watched.observe({
      atSeconds: media.currentTime,
      isPlaying: !media.paused && !media.ended && media.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA,
      isSeeking: media.seeking,
      rate: media.playbackRate,
      nowMs: performance.now(),
    })
  }
  for (const event of EVENTS) media.addEventListener(event, observe)
  const { file, durationSeconds } = facts
  const teller = new WatchedTeller({
    watched,
    file,
    durationSeconds,
    post: (played, isLast) => post(facts, played, isLast),
  })
  const tell = async (isLast: boolean): Promise<void> => {
    observe()
    await teller.tell(media.duration, { isLast })
  }
  setInterval(() => void tell(false), EVERY_MS)
  media.addEventListener('ended', () => void tell(false))
  addEventListener('pagehide', () => void tell(true))
  // a phone that puts the browser aside may end it without another word
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') void tell(true)
  })
}

/** False: it may be told once more. */
async function post({ api, csrf }: PageFacts, body: object, isLast: boolean): Promise<boolean> {
  try {
    const response = await fetch(`${api}/watched`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
      body: JSON.stringify(body),
      keepalive: isLast,
    })
    return response.ok || (response.status >= 400 && response.status < 429)
  } catch {
    return false
  }
}
