/** What browsers say to the tracker over WebSockets. */
import assert from 'node:assert/strict'
import { ipAddress } from '../../../../src/core/address.ts'
import { infoHash, peerId } from '../../../../src/core/ids.ts'
import { formatSession, sessionOf } from '../../../../src/wire/sdp-session.ts'
import { sdpOf, withFitCandidates, withSeenAddress } from '../../../../src/wire/sdp.ts'
import { formatSignal, offerIdOf, parseSignal, type SignalMessage } from '../../../../src/wire/signal.ts'
import { bytesOfJson, bytesOfText, passes, type Target, textOf, utf8Of } from '../target.ts'

const HASH = infoHash('6162'.repeat(10))
const PEER = peerId('2d5757303230312d303132333435363738396162')
const SDP = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=candidate:1 1 udp 2122260223 10.1.2.3 50000 typ host',
  'a=candidate:2 1 udp 1 2f6b4c1e-0000-4000-8000-0123456789ab.local 5000 typ host',
  'a=sctp-port:5000',
  '',
].join('\r\n')
const SEEN = ipAddress('10.9.9.9')
/** One with a name alone, and one that says its address itself. */
const SEEN_SDP = SDP.replace(/a=candidate:1.*\r\n/, '')
/** All that two sides must say to meet. */
const SESSION = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=candidate:1 1 udp 2122260223 10.1.2.3 50000 typ host',
  'a=candidate:2 1 UDP 1 fd00::5 5000 typ srflx raddr 0.0.0.0 rport 0 generation 0',
  'a=ice-ufrag:aB3+',
  `a=ice-pwd:${'p'.repeat(24)}`,
  `a=fingerprint:sha-256 ${Array<string>(32).fill('AB').join(':')}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  '',
].join('\r\n')
const offer = (id: string): object => ({ offer_id: id.repeat(20), offer: { type: 'offer', sdp: SDP } })
const announce = {
  action: 'announce',
  info_hash: 'ab'.repeat(10),
  peer_id: '\u0000\u00ff'.repeat(10),
  left: 5,
  numwant: 3,
}

const MESSAGES: readonly SignalMessage[] = [
  {
    kind: 'answer',
    infoHash: HASH,
    peerId: PEER,
    toPeerId: PEER,
    offerId: offerIdOf('o'.repeat(20)),
    sdp: sdpOf(SDP),
  },
  { kind: 'scrape', infoHashes: [HASH] },
  { kind: 'leases', infoHash: HASH, peerIds: [PEER, PEER] },
]

export const signalTargets: readonly Target[] = [
  {
    name: 'signal of a browser',
    files: ['wire/signal.ts', 'wire/signal-lease.ts', 'wire/sdp.ts'],
    beside: [
      'formatSignal',
      'binaryOf',
      'withFitCandidates',
      'withSeenAddress',
      'addressesIn',
      'formatSignalLeases',
      'formatSignalLeasesReply',
      'parseSignalLeasesReply',
    ],
    dialect: 'json',
    corpus: 'signal',
    words: [
      'action', 'announce', 'scrape', 'leases', 'peer_ids', 'info_hash', 'peer_id', 'to_peer_id', 'offers', 'offer', 'offer_id', 'answer', 'sdp', 'type', 'left', 'numwant',
      'event', 'started', 'stopped', 'completed', 'update', 'paused', 'x'.repeat(20), 'v=0\r\n', 'x'.repeat(9_000),
    ], // prettier-ignore
    seeds: [
      bytesOfJson({ ...announce, event: 'started', offers: [offer('a'), offer('b'), offer('c')] }),
      bytesOfJson({ ...announce, event: 'stopped', left: null, numwant: null }),
      bytesOfJson({ ...announce, event: 'completed', left: 0, offers: [] }),
      bytesOfJson({ ...announce, event: 'update', offers: Array.from({ length: 10 }, (_, i) => offer(`${i}`)) }),
      bytesOfJson({ ...announce, offers: Array.from({ length: 11 }, () => null) }),
      bytesOfJson({ ...announce, offers: [offer('a'), offer('a')] }),
      bytesOfJson({ ...announce, offers: [{ offer_id: 'x'.repeat(20), offer: { type: 'offer', sdp: `v=0\n${'x'.repeat(9_000)}` } }] }),
      ...MESSAGES.map((message) => new Uint8Array(Buffer.from(formatSignal(message)))),
      bytesOfJson({ action: 'scrape', info_hash: 'x'.repeat(20), offers: [] }),
      bytesOfJson({ action: 'scrape', info_hash: Array.from({ length: 65 }, () => 'x'.repeat(20)) }),
      bytesOfJson({ action: 'scrape', info_hash: [] }),
      bytesOfText(`{"action":"announce","x":"${'x'.repeat(70_000)}"}`),
    ], // prettier-ignore
    frame: (bytes) => passes(() => JSON.parse(utf8Of(bytes))),
    read: (bytes) => {
      const message = parseSignal(utf8Of(bytes))
      const text = formatSignal(message)
      // Each character of an id may take six when it is written.
      if (text.length <= 65_536) assert.deepEqual(parseSignal(text), message)
    },
  },
  {
    name: 'session for native code',
    files: ['wire/sdp-session.ts'],
    beside: ['formatSession', 'candidateLine'],
    dialect: 'words',
    corpus: 'sdp-session',
    words: ['a=setup:', 'actpass', 'a=mid:', 'a=ice-ufrag:', 'a=ice-pwd:', 'a=fingerprint:sha-256 ', 'm=', '\r\n', ' ', '0', '-1', '65536', 'host', 'relay', 'fe80::1'],
    seeds: [SESSION, SESSION.replace('262144', '0'), SESSION.replace(/a=(?:sctp-port|max-message-size|mid):.*\r\n/g, '')].map(bytesOfText),
    frame: (bytes) => passes(() => sdpOf(textOf(bytes))),
    read: (bytes) => {
      const session = sessionOf(sdpOf(textOf(bytes)))
      assert.deepEqual(sessionOf(sdpOf(formatSession(session))), session)
    },
  },
  {
    name: 'session description',
    files: ['wire/sdp.ts'],
    dialect: 'words',
    words: ['a=candidate:', ' ', '\r\n', '\n', '\r', '5000', '65536', '1e3', '10.0.0.1', '::1', 'v=0', '\u2028'],
    seeds: [SDP, SEEN_SDP, 'v=0\n', `v=0\na=candidate:1 1 udp 1 10.0.0.1 53`, `v=0\n${'x'.repeat(9_000)}`].map(bytesOfText),
    frame: (bytes) => textOf(bytes).startsWith('v=0'),
    read: (bytes) => {
      withSeenAddress(sdpOf(textOf(bytes)), SEEN)
      const sdp = sdpOf(utf8Of(bytes))
      assert.equal(
        withFitCandidates(sdp, ({ port }) => port > 0 || port === 0),
        withFitCandidates(withFitCandidates(sdp, () => true), () => true),
      )
      assert.doesNotMatch(withFitCandidates(sdp, () => false), /^a=candidate:/m)
    },
  },
] // prettier-ignore
