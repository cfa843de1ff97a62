/** The tracker's settings; the table is its manual. */
import { hours, minutes, seconds } from '../core/units.ts'
import type { Millis } from '../core/units.ts'
import type { Setting, SettingsOf } from '../platform/config.ts'
import { readInteger, readList, readMillis, readText } from '../platform/setting-readers.ts'
import { limits } from '../wire/limits.ts'
import { AddressRanges } from './address-ranges.ts'

const readRanges = (text: string): AddressRanges => new AddressRanges(readList((part) => part)(text))
const readInterval = readMillis(limits.announceIntervalMin, limits.announceIntervalMax)

export const trackerSettings = {
  portalUrl: {
    parse: readText(limits.urlCharsMax),
    fallback: '',
    help: 'Where people get a fresh link; named in the refusal of an expired grant. Without it the refusal names no address.',
  } satisfies Setting<string>,
  trustedProxies: {
    parse: readRanges,
    fallback: new AddressRanges([]),
    help: 'Ranges of the reverse proxies whose X-Forwarded-For names the client. Anyone listed here can announce any address.',
    fallbackText: 'none',
  } satisfies Setting<AddressRanges>,
  allowedRanges: {
    parse: readRanges,
    fallback: new AddressRanges([]),
    help: 'Ranges from which peers are admitted and listed. Link-local, multicast and unspecified addresses never are.',
    fallbackText: 'every private, loopback and public address',
  } satisfies Setting<AddressRanges>,
  ownLeecherIntervalMs: {
    parse: readInterval,
    fallback: seconds(60),
    help: 'How long our own clients wait between announces while they download. Lower finds peers sooner and costs requests.',
  } satisfies Setting<Millis>,
  ownMinIntervalMs: {
    parse: readMillis(seconds(1), limits.announceIntervalMax),
    fallback: seconds(2),
    help: 'The shortest wait that our own clients may choose: who is new in a swarm asks sooner than every ownLeecherIntervalMs (five times in its first minute), and so does who knows nobody of its site.',
  } satisfies Setting<Millis>,
  ownSeedIntervalMs: {
    parse: readInterval,
    fallback: minutes(30),
    help: 'How long our own clients wait between announces once they have everything. One of a process announces every 45 s all the same, or every ownMinIntervalMs if that is longer, to hear of a restart.',
  } satisfies Setting<Millis>,
  stockIntervalMs: {
    parse: readInterval,
    fallback: minutes(30),
    help: 'How long other BitTorrent clients are asked to wait between announces; most have a floor of their own.',
  } satisfies Setting<Millis>,
  stockStartIntervalMs: {
    parse: readInterval,
    fallback: seconds(60),
    help: 'The same while they download and their site is new to the swarm, so that they learn of each other. libtorrent comes every 5 minutes at the most often.',
  } satisfies Setting<Millis>,
  stockStartMs: {
    parse: readMillis(minutes(0), hours(24)),
    fallback: minutes(10),
    help: 'For how long a site is new to a swarm.',
  } satisfies Setting<Millis>,
  browserIntervalMs: {
    parse: readInterval,
    fallback: seconds(120),
    help: 'How long browsers wait between announces. Each brings offers for peers that came since.',
  } satisfies Setting<Millis>,
  minIntervalMs: {
    parse: readInterval,
    fallback: seconds(30),
    help: 'The shortest wait that other clients may choose by themselves, for example when a person presses "announce".',
  } satisfies Setting<Millis>,
  leaseSlackMs: {
    parse: readMillis(seconds(1), hours(1)),
    fallback: seconds(60),
    help: 'A peer is forgotten after two of its intervals and this.',
  } satisfies Setting<Millis>,
  sweepIntervalMs: {
    parse: readMillis(seconds(1), seconds(60)),
    fallback: seconds(20),
    help: 'How often peers whose time ran out, and empty swarms, are freed.',
  } satisfies Setting<Millis>,
  grantAddressHoldMs: {
    parse: readMillis(minutes(1), hours(24 * 30)),
    fallback: hours(2),
    help: 'For how long after its last announce an address counts against the number of addresses of its grant.',
  } satisfies Setting<Millis>,
  udpPort: {
    parse: readInteger(0, 65_535),
    fallback: undefined,
    help: 'Port on which announces over UDP are answered as well, at the addresses of the HTTP port. 0 takes any. Of stock clients only libtorrent sends its grant over UDP.',
    fallbackText: 'none',
  } satisfies Setting<number | undefined>,
  peersPerAddressMax: {
    parse: readInteger(1, 10_000),
    fallback: 32,
    help: 'Ports that one grant may announce at one address; beyond it the one announced longest ago is forgotten.',
  } satisfies Setting<number>,
  peersMax: {
    parse: readInteger(1, 10_000_000),
    fallback: 500_000,
    help: 'Peers in all swarms together, about 600 bytes each; beyond it new ones are asked to come back later.',
  } satisfies Setting<number>,
  socketsMax: {
    parse: readInteger(0, 1_000_000),
    fallback: 20_000,
    help: 'WebSockets of browsers, about 16 kB each; 0 for none. Beyond it new ones take the place of those in no swarm, or are refused.',
  } satisfies Setting<number>,
  socketsPerAddressMax: {
    parse: readInteger(1, 1_000_000),
    fallback: 256,
    help: 'WebSockets of one address (IPv6: of one /64), as of a terminal server with many people; one page of one person has one a release.',
  } satisfies Setting<number>,
  verifiedGrantsMax: {
    parse: readInteger(100, 10_000_000),
    fallback: 50_000,
    help: 'Grants whose signature is remembered as good, about 500 bytes each; others are verified again.',
  } satisfies Setting<number>,
  pendingVerificationsMax: {
    parse: readInteger(1, 100_000),
    fallback: 1_000,
    help: 'Signatures under verification at a time; beyond it announces with grants not seen before are refused for a moment.',
  } satisfies Setting<number>,
  grantFailuresPerMinuteMax: {
    parse: readInteger(1, 100_000),
    fallback: 60,
    help: 'Bad grants from one address in a minute, after which no more of its unknown grants are looked at until the minute is over.',
  } satisfies Setting<number>,
} as const

export type TrackerSettings = SettingsOf<typeof trackerSettings>
