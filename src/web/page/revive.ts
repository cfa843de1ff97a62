/** A player that was refused once gives up for good; nobody who watches has to know. */

const FIRST_MS = 1_000
const MOST_MS = 20_000

/** Begins again where it was, more rarely each time, as long as it gives up for want of the network. */
export function revive(media: HTMLMediaElement): void {
  let wait = FIRST_MS
  media.addEventListener('timeupdate', () => {
    wait = FIRST_MS
  })
  media.addEventListener('error', () => {
    if (media.error?.code !== MediaError.MEDIA_ERR_NETWORK) return
    const { currentTime, playbackRate } = media
    setTimeout(() => {
      media.load()
      media.currentTime = currentTime
      media.playbackRate = playbackRate
      void media.play().catch(() => undefined)
    }, wait)
    wait = Math.min(MOST_MS, 2 * wait)
  })
}
