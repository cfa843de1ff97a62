/** The controls around the film, as custom elements: keyboard, captions, speed, picture in picture and full screen are theirs. */
import 'media-chrome/dist/media-controller.js'
import 'media-chrome/dist/media-control-bar.js'
import 'media-chrome/dist/media-play-button.js'
import 'media-chrome/dist/media-seek-backward-button.js'
import 'media-chrome/dist/media-seek-forward-button.js'
import 'media-chrome/dist/media-time-range.js'
import 'media-chrome/dist/media-time-display.js'
import 'media-chrome/dist/media-mute-button.js'
import 'media-chrome/dist/media-volume-range.js'
import 'media-chrome/dist/media-captions-button.js'
import 'media-chrome/dist/media-playback-rate-button.js'
import 'media-chrome/dist/media-pip-button.js'
import 'media-chrome/dist/media-fullscreen-button.js'
import 'media-chrome/dist/media-loading-indicator.js'
import { En } from 'media-chrome/dist/lang/en.js'
import { addTranslation } from 'media-chrome/dist/utils/i18n.js'
import { stateMediator } from 'media-chrome/dist/media-store/state-mediator.js'
import { RangeAnimation } from 'media-chrome/dist/utils/range-animation.js'

/** The bar moves when the film's time does, four times a second; by its own clock it has the page drawn anew sixty times. */
RangeAnimation.prototype.start = () => undefined

/**
 * Of a long film the time is told to the controls by the second: it is less than a 400th of the bar, and each time has them
 * force a style.
 */
const LONG_SECONDS = 400
const { mediaCurrentTime } = stateMediator
const { get: timeOf } = mediaCurrentTime
mediaCurrentTime.get = (owners, event) => {
  const seconds = timeOf(owners, event)
  return (owners.media?.duration ?? 0) > LONG_SECONDS ? Math.floor(seconds) : seconds
}

/** Whoever steers by voice says what is seen: its name has to hold that. */
addTranslation('en', { ...En, 'Playback rate {playbackRate}': 'Playback rate {playbackRate}x' })

/** They say whether they are on, which only a switch may (ARIA in HTML), and call themselves buttons. */
export function nameSwitches(page: HTMLElement): void {
  for (const button of page.querySelectorAll('media-captions-button')) button.setAttribute('role', 'switch')
}

/** How much of what follows the player has, in ms. */
export function slackOf({ buffered, currentTime }: HTMLMediaElement): number {
  for (let i = 0; i < buffered.length; i++)
    if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i))
      return 1_000 * (buffered.end(i) - currentTime)
  return 0
}

export const isMoving = ({ paused, ended }: HTMLMediaElement): boolean => !paused && !ended
