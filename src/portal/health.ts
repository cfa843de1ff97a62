/** Is all well, and if not, what is the matter? In sentences for whoever runs Shoal. Pure. */
import { formatEndpoint } from '../core/address.ts'
import { minutes, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import { PRESENCE_LEASE as LEASE } from './control/presence.ts'
import type { Operating } from './operating.ts'

export interface Trouble {
  readonly what: string
  /** What to do about it. */
  readonly remedy: string
}

/** Refusals that are the operator's business: the others are of people with old links. */
const BUSY_KINDS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  full: ['it has as many peers as it may (tracker.peersMax)', 'raise the setting, or give it more memory'],
  busy: [
    'it cannot verify grants as fast as new ones come',
    'raise tracker.pendingVerificationsMax, or give it a faster processor',
  ],
  'not-ready': [
    'it has had no answer of the control feed yet',
    'see in its log why it does not reach the portal',
  ],
  'too-many-sockets': [
    'it has as many WebSockets as it may (tracker.socketsMax)',
    'raise the setting, or give it more memory',
  ],
}

/** Refused announces a second from which a kind is worth a sentence: one every twenty seconds. */
const WORTH_TELLING = 0.05
/** A part of all announces, refused for their grants, from which it is no longer a few old links. */
const MANY = 0.5

export function troublesOf(operating: Operating): readonly Trouble[] {
  return [
    ...ofGrants(operating),
    ...ofStorage(operating),
    ...ofOrigins(operating),
    ...ofSilence(operating),
    ...ofTracker(operating),
    ...ofKeys(operating),
  ]
}

function ofGrants({ canWriteGrants }: Operating): Trouble[] {
  if (canWriteGrants) return []
  return [
    {
      what: 'No links can be made: grants cannot be written right now.',
      remedy: 'See the log of the portal: is the disk full?',
    },
  ]
}

/** From here on it is worth a look, and from there on a matter of days. */
const FULL_PART = 0.9

function ofStorage({ storage: { usedPart } }: Operating): Trouble[] {
  if (usedPart === undefined || usedPart < FULL_PART) return []
  return [
    {
      what: `The disk of the portal's data is ${Math.floor(100 * usedPart)} % full.`,
      remedy: 'Make room: on a full disk nobody gets a link, and nothing is published.',
    },
  ]
}

const SILENT_MAX = 5
/** Reports come every minute and hold for three. */
const SILENT_LEFT = seconds(60)

function ofSilence({ servers }: Operating): Trouble[] {
  return servers
    .filter(({ leftMs }) => leftMs < SILENT_LEFT)
    .slice(0, SILENT_MAX)
    .map(({ role, at, leftMs }) => ({
      what: `The ${role} at ${formatEndpoint(at)} has not reported for ${Math.floor((LEASE - leftMs) / 1_000)} s.`,
      remedy: `Does it run, and does it reach the portal? In ${Math.ceil(leftMs / 1_000)} s trackers name it no more.`,
    }))
}

/** A key whose turn is over is looked for every ten minutes. */
const KEY_LATE = minutes(60)

function ofKeys({ keyTurnsAt, at }: Operating): Trouble[] {
  if (keyTurnsAt !== undefined && at - keyTurnsAt < KEY_LATE) return []
  return [
    {
      what:
        keyTurnsAt === undefined
          ? 'No key signs grants.'
          : `The key that signs grants should have had its turn by ${new Date(keyTurnsAt).toISOString()}.`,
      remedy: 'See the log of the portal, and run "shoal key rotate".',
    },
  ]
}

function ofOrigins({ servers, releases, withoutOrigin }: Operating): Trouble[] {
  const live = releases.get('live') ?? 0
  const missing = releases.get('missing') ?? 0
  const troubles: Trouble[] = []
  if (withoutOrigin > 0) {
    const hasOrigin = servers.some(({ role }) => role === 'origin')
    troubles.push({
      what: `No origin serves ${withoutOrigin === live ? (live === 1 ? 'the one release' : `any of the ${live} releases`) : releasesText(withoutOrigin)}${hasOrigin ? '' : ': no origin has reported in the last three minutes'}.`,
      remedy: hasOrigin
        ? 'See the log of the origin that held them. Until then they come from mirrors and from those who have them.'
        : 'Start the origin, and see in its log whether it reaches the portal. Until then releases come from mirrors and from those who have them.',
    })
  }
  if (missing > 0)
    troubles.push({
      what: `The files of ${releasesText(missing)} are missing from the library.`,
      remedy: 'Put them back and they are live again, or recall the releases.',
    })
  return troubles
}

function ofTracker({ live, tracker, trackers }: Operating): Trouble[] {
  if (live === undefined) return ofTrackerElsewhere(tracker, trackers[0] ?? '')
  const { rates } = live
  const troubles: Trouble[] = []
  for (const [kind, [what, remedy]] of Object.entries(BUSY_KINDS)) {
    if ((rates.announces.get(kind) ?? 0) < WORTH_TELLING) continue
    troubles.push({ what: `The tracker turns peers away: ${what}.`, remedy: `${capital(remedy)}.` })
  }
  const all = [...rates.announces.values()].reduce((sum, rate) => sum + rate, 0)
  const refused = rates.announces.get('grant-refused') ?? 0
  if (refused >= WORTH_TELLING && refused > MANY * all)
    troubles.push({
      what: 'The tracker refuses the grants of most announces.',
      remedy:
        'Was a grant key retired? Then fresh links are needed. Else somebody is guessing, or a client has links of another portal.',
    })
  return troubles
}

function ofTrackerElsewhere(state: Operating['tracker'], url: string): Trouble[] {
  switch (state?.answer) {
    case 'silent':
      return [
        {
          what: `The tracker at ${url} does not answer.`,
          remedy:
            'Start it, and see that the portal reaches that address. Transfers go on among those who know each other.',
        },
      ]
    case 'not-ready':
      return [
        {
          what: `The tracker at ${url} cannot check grants: it has had no answer of the control feed yet.`,
          remedy: 'See in its log why it does not reach the portal with a token of the role origin.',
        },
      ]
    case 'ready':
      return ofClock(state.clockAheadMs)
    case 'other':
    case undefined:
      return []
  }
}

function ofClock(aheadMs: number): Trouble[] {
  if (Math.abs(aheadMs) <= limits.clockLeeway) return []
  return [
    {
      what: `The clock of the tracker is ${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the portal's.`,
      remedy: 'Have both set by NTP: grants end by the clock of the tracker.',
    },
  ]
}

const releasesText = (n: number): string => (n === 1 ? '1 release' : `${n} releases`)
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
