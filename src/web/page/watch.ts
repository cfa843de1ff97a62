/**
 * Takes a film that plays on to colleagues: asks for a grant, meets them, and answers the player's requests by what they send. Where
 * any of this cannot be, it plays on from the server, and the page says why.
 */
import { messageOf } from '../../core/errors.ts'
import { peerIdOfBytes, type PeerId } from '../../core/ids.ts'
import type { Watch } from '../../wire/api-watch.ts'
import { Meeting } from '../engine/meeting.ts'
import { Viewer } from '../engine/viewer.ts'
import { chipOf, showFigures } from './chip.ts'
import { browserClock } from './clock.ts'
import { openStore } from './disk-store.ts'
import { recordWatching } from './learning.ts'
import { isMoving, nameSwitches, slackOf } from './player.ts'
import { beginWatch, factsOf, watchedOf, type PageFacts } from './portal.ts'
import { type Grants, Reports } from './reports.ts'
import { browserRtc } from './rtc.ts'
import { portalSource } from './server-source.ts'
import type { StreamDesk } from './stream-desk.ts'
import { trackerLine } from './tracker-line.ts'
import { uploadSwitch } from './upload-switch.ts'

const SHOWN_EVERY_MS = 1_000
const TOLD_EVERY_MS = 250

export interface WatchParts {
  readonly page: HTMLElement
  readonly media: HTMLMediaElement
  /** Undefined where nothing can come from colleagues, and then {@link why} says so. It may be long until that is known. */
  readonly desk: Promise<StreamDesk | undefined>
  readonly why: string
}

export async function watch(parts: WatchParts): Promise<void> {
  const { page, media, why } = parts
  media.controls = false // ours are there now
  nameSwitches(page)
  const facts = factsOf(page)
  if (facts.isRecorded) recordWatching(media, facts)
  try {
    const desk = await parts.desk
    if (desk === undefined) throw new Error(why)
    const began = await beginWatch(facts)
    if (began.peering !== 'on') throw new Error(REASONS[began.peering])
    await play({ page, media, desk }, { facts, watch: began })
  } catch (error) {
    say(page, `All from the server: ${messageOf(error)}.`)
  }
}

const REASONS = {
  'ours-only': 'only Shoal’s own clients exchange this release among each other',
  'off-by-site': 'for where you are, as on a VPN, peering is off by policy',
} as const

interface Place {
  readonly page: HTMLElement
  readonly media: HTMLMediaElement
  readonly desk: StreamDesk
}

interface Began {
  readonly facts: PageFacts
  readonly watch: Watch
}

async function play({ page, media, desk }: Place, { facts, watch }: Began): Promise<void> {
  const watched = watchedOf(
    watch,
    media.duration > 0 && Number.isFinite(media.duration) ? media.duration : facts.durationSeconds,
  )
  const self = peerIdOfBytes(newPeerId())
  const onNote = (sentence: string): void => {
    console.info(`shoal: ${sentence}`)
  }
  const dropped: ((piece: number) => void)[] = []
  const store = await openStore({
    workerUrl: facts.diskWorker,
    layout: watched.layout,
    firstPiece: watched.first,
    onDropped: (piece) => {
      for (const tell of dropped) tell(piece)
    },
  })
  const viewer = new Viewer({
    clock: browserClock,
    random: Math.random,
    watched,
    self,
    server: portalSource(watch.contentUrl),
    store,
    sha1: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-1', bytes)),
    onNote,
    onBroken: (reason) => {
      desk.shut()
      meeting.close()
      trouble.broken = `All from the server: ${reason}.`
    },
  })
  dropped.push((piece) => {
    viewer.dropped(piece)
  })
  const { sizeBytes, type } = watch.file
  desk.open({ viewer, sizeBytes, type })
  const trouble: Trouble = {}
  const grants: Grants = { current: watch.grant }
  const meeting = meet({ facts, watch, viewer, self, onNote, trouble, grants })
  const reports = new Reports({ viewer, infohash: watch.infohash, grants })
  uploadSwitch(page, viewer)
  const chip = chipOf(page)
  const tell = (): void => {
    const rate = Math.max(0.1, media.playbackRate)
    viewer.playing(slackOf(media) / rate, isMoving(media), rate)
  }
  tell()
  setInterval(tell, TOLD_EVERY_MS)
  setInterval(() => {
    if (chip !== undefined) showFigures(chip, viewer.figures(), sentenceOf(trouble, viewer.serverTrouble))
  }, SHOWN_EVERY_MS)
  addEventListener('pagehide', (event) => {
    if (event.persisted) return // it may come back
    reports.last()
    meeting.close()
    viewer.close()
  })
}

interface Meet extends Began {
  readonly viewer: Viewer
  readonly self: PeerId
  readonly onNote: (sentence: string) => void
  readonly trouble: Trouble
  readonly grants: Grants
}

/** What the page says in place of who sends what, until it is over. */
interface Trouble {
  broken?: string
  meeting?: string | undefined
}

function sentenceOf({ broken, meeting }: Trouble, server: string | undefined): string | undefined {
  if (broken !== undefined) return broken
  if (server !== undefined) return `Nothing from the server: ${server}.`
  return meeting === undefined ? undefined : `No other colleagues are met: ${meeting}.`
}

/** As long as the page is open; with a fresh grant when the one at hand is not good any more. */
function meet({ facts, watch, viewer, self, onNote, trouble, grants }: Meet): { close(): void } {
  const meeting = new Meeting({
    clock: browserClock,
    random: Math.random,
    infoHash: watchedOf(watch, facts.durationSeconds).infoHash,
    self,
    rtc: browserRtc(
      watch.iceServers.map(({ urls, username, credential }) => ({
        urls,
        ...(username !== undefined && { username }),
        ...(credential !== undefined && { credential }),
      })),
    ),
    open: (handler) => trackerLine(grants.current?.trackerUrl ?? '', handler),
    leftBytes: () => 1,
    wanted: () => viewer.room,
    isBanned: (peer, addresses) => viewer.isBanned(peer, addresses),
    isKnown: (peer) => viewer.isKnown(peer),
    met: () => viewer.met,
    onGone: (peers) => {
      viewer.hangUpOn(peers)
    },
    onChannel: (channel) => {
      viewer.meet(channel)
    },
    onAlone: () => {
      viewer.acquainted()
    },
    renew: async (reason) => {
      try {
        const fresh = await beginWatch(facts)
        if (fresh.grant === undefined) throw new Error(reason)
        grants.current = fresh.grant
        trouble.meeting = undefined
        return true
      } catch (error) {
        trouble.meeting = messageOf(error)
        return false
      }
    },
    onNote,
  })
  return meeting
}

function newPeerId(): Uint8Array {
  const id = crypto.getRandomValues(new Uint8Array(20))
  id.set(new TextEncoder().encode('-SW0100-'))
  return id
}

function say(page: HTMLElement, sentence: string): void {
  const place = page.querySelector<HTMLElement>('[data-chip]')
  if (place !== null) place.textContent = sentence
}
