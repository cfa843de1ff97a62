/** The page for operators, made from what was gathered: texts only. Pure. */
import { formatEndpoint } from '../../core/address.ts'
import prettyBytes from 'pretty-bytes'
import { troublesOf } from '../health.ts'
import type { Operating } from '../operating.ts'
import { dateText } from './view-model.ts'

/** Rows of a table that somebody still reads; metrics have more. */
const ROWS_MAX = 20

const WHOLE = new Intl.NumberFormat('en-GB')
const RATE = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 2 })
const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: 'UTC' })

/** Outcomes of announces in the words of a person. */
const OUTCOMES: Readonly<Record<string, string>> = {
  admitted: 'admitted',
  'bad-request': 'not understood',
  'not-ready': 'refused: no answer of the control feed yet',
  'grant-refused': 'refused: no good grant',
  'grant-expired': 'refused: the grant has expired',
  'grant-withdrawn': 'refused: revoked or recalled',
  'other-release': 'refused: a grant for another release',
  'address-refused': 'refused: an address that is not admitted',
  'port-refused': 'refused: a port that no peer may have',
  'too-many-addresses': 'refused: a link in use at too many addresses',
  full: 'refused: the tracker is full',
  busy: 'refused: too busy',
  'peer-id-refused': 'refused: the peer id of another',
  'too-many-sockets': 'refused: too many WebSockets',
  'too-many-messages': 'refused: too many messages',
}

export function operatingPageOf(operating: Operating): object {
  const { live, servers, releases } = operating
  return {
    time: `${TIME.format(operating.at)} UTC`,
    troubles: troublesOf(operating),
    figures: [
      ...(live === undefined
        ? []
        : [
            figure('Peers', live.figures.peers),
            figure('Swarms', live.figures.swarms),
            {
              name: 'Announces a second',
              value: RATE.format([...live.rates.announces.values()].reduce((sum, rate) => sum + rate, 0)),
            },
            {
              name: 'Cross-site introductions a second',
              value: RATE.format(live.rates.crossSiteIntroductions),
            },
            figure('Cross-site introductions since the start', live.figures.crossSiteIntroductions),
            figure('WebSockets of browsers', live.figures.webSockets),
            ...(live.figures.udp === undefined
              ? []
              : [
                  figure('UDP connections since the start', live.figures.udp.connects),
                  figure('UDP requests dropped', live.figures.udp.dropped),
                ]),
          ]),
      figure('Releases that are live', releases.get('live') ?? 0),
      figure('Origins', servers.filter(({ role }) => role === 'origin').length),
      figure('Mirrors', servers.filter(({ role }) => role === 'mirror').length),
    ],
    facts: factsOf(operating),
    hasTracker: live !== undefined,
    announces: [...(live?.rates.announces ?? [])].map(([outcome, rate]) => ({
      outcome: OUTCOMES[outcome] ?? outcome,
      rate: RATE.format(rate),
      total: WHOLE.format(live?.figures.announces[outcome] ?? 0),
    })),
    ...sitesOf(operating),
    servers: servers.slice(0, ROWS_MAX).map(({ role, at, releases: held, leftMs }) => ({
      role,
      at: formatEndpoint(at),
      held: WHOLE.format(held),
      left: `${Math.ceil(leftMs / 1_000)} s`,
    })),
    moreServers: more(servers.length),
    trackers: operating.trackers,
    followers: operating.followers,
  }
}

function factsOf({ storage, keyTurnsAt, at }: Operating): string[] {
  const { usedPart, databaseBytes, grownBytes } = storage
  const grown = grownBytes > 0 ? `, ${prettyBytes(grownBytes)} more than a day ago or at the start` : ''
  return [
    ...(usedPart === undefined ? [] : [`The disk is ${Math.floor(100 * usedPart)} % full.`]),
    `The database has ${prettyBytes(databaseBytes)}${grown}.`,
    ...(keyTurnsAt === undefined || keyTurnsAt < at
      ? []
      : [`The next grant key signs from ${dateText(new Date(keyTurnsAt).toISOString())}.`]),
  ]
}

function sitesOf({ live }: Operating): object {
  const sizes = live?.sites ?? []
  return {
    sites: sizes.slice(0, ROWS_MAX).map(({ site, peers }) => ({ site, peers: WHOLE.format(peers) })),
    moreSites: more(sizes.length),
  }
}

const figure = (name: string, value: number): object => ({ name, value: WHOLE.format(value) })
const more = (length: number): string | undefined =>
  length > ROWS_MAX ? `and ${length - ROWS_MAX} more` : undefined
