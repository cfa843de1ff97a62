/**
 * Every bound on what arrives from outside, each with its reason. `docs/limits.md` is the reader's version.
 * Names end in the unit; `Max` and `Min` go last.
 */
import { KiB, MiB, minutes, seconds } from '../core/units.ts'
import { publishingLimits } from './limits-publishing.ts'
import { figureLimits } from './limits-figures.ts'
import { watchLimits } from './limits-watch.ts'

export const limits = {
  ...figureLimits,
  // --- bencode, torrents, magnets, grants ---
  /** A torrent nests 5 deep, an extension handshake 3; deeper is somebody testing our stack. */
  bencodeDepthMax: 32,
  /** Five values for each of 100,000 files. More tiny ones would hold the process for longer than 200 ms. */
  bencodeValuesMax: 500_000,
  /** A .torrent or its info: 4 MiB holds 200,000 pieces, or 30,000 files with long names. */
  torrentBytesMax: 4 * MiB,
  /** A torrent of hostile names takes up to 0.2 ms a KiB to check: servers read larger ones on a thread aside. */
  torrentBytesAtOnceMax: 128 * KiB,
  /** More files than this do not fit in 4 MiB of metadata with their names anyway. */
  torrentFilesMax: 100_000,
  /** Tracker URLs in a torrent or magnet, all tiers together: ours carry one. */
  trackerUrlsMax: 8,
  /** Web seeds in a torrent or magnet. */
  webSeedsMax: 8,
  /** libtorrent cuts and others refuse longer URLs; ours are under 350. */
  urlCharsMax: 1_024,
  /** A magnet of ours: one `tr`, one `xs`, a name and a signature fit; chat programs keep it clickable. */
  magnetCharsMax: 1_200,
  /** A foreign magnet, before we look at it. */
  magnetInputCharsMax: 8 * KiB,
  /** Parameters of a foreign magnet: ours have eight at most. */
  magnetParametersMax: 32,
  /** BEP 53 ranges in one magnet: more do not fit beside the rest. */
  magnetFileRangesMax: 64,
  /** Stock clients cut or refuse long tracker URLs (libtorrent: 255 bytes of UDP URL data). */
  grantCharsMax: 230,
  /** A grant outlives no month: who still belongs gets a new one. */
  grantLifeMax: minutes(30 * 24 * 60),
  /** Clocks of office machines drift; a minute and a half is what NTP-less ones show in practice. */
  clockLeeway: seconds(90),

  /** A permit for a device: ours are 312 characters. */
  permitCharsMax: 400,
  /** A certificate of our own CA or a request for one, as PEM: ours are under 800 characters. */
  certificateCharsMax: 4 * KiB,

  // --- tracker ---
  /** An announce URL with its grant is under 600; nobody honest sends more. */
  announceQueryCharsMax: 2 * KiB,
  /** Peers in one reply, whatever is asked: 200 connections is what a client can use. */
  numWantMax: 100,
  /** Peers in a reply to a client that does not say how many it wants, as trackers commonly do. */
  numWantDefault: 50,
  /** Infohashes in one scrape. */
  scrapeHashesMax: 64,
  /** Addresses in one question about leases: all peers that a torrent may have, in four. */
  leasePeersMax: 64,
  /** Below 1024 live services that a swarm could be aimed at. */
  peerPortMin: 1_024,
  /** A tracker's reply: 100 peers and their flags are under 4 KiB. */
  trackerReplyBytesMax: 64 * KiB,
  /** The least that we believe of a tracker's `interval` and `retry in`: none makes us hammer it. */
  announceIntervalMin: seconds(30),
  /** The longest that a tracker can send us away for. */
  announceIntervalMax: minutes(60),
  /** Announces that one process has under way at one tracker: a thousand torrents open no thousand sockets. */
  announcesAtOnceMax: 32,
  /** Distinct addresses a grant may announce from: a person has a few devices. */
  peersPerGrantDefault: 8,
  /** The same for a link that a publisher gives to a fleet of machines. */
  peersPerGrantMax: 256,
  /** How long the tracker waits for a peer to accept, when the peer asks whether it can be reached. */
  reachTestTimeout: seconds(3),
  /** Such tests under way at a time: each is a socket. */
  reachTestsMax: 32,
  /** Such tests for one address: a person who mends a firewall tries a few times. */
  reachTestsPerMinuteMax: 10,
  /** The whole head of a request, from its first byte: half-open sockets live no longer. */
  requestHeadersTimeout: seconds(10),
  /** A whole request with its body. */
  requestTimeout: seconds(15),
  /** A request over UDP, in one Ethernet frame: libtorrent's is at most 355 bytes, a scrape of 64 hashes 1,296. */
  udpRequestBytesMax: 1_472,
  /** A reply over UDP: what IPv6 promises to carry in one piece, and libtorrent reads no more than 1,500. */
  udpReplyBytesMax: 1_232,
  /** How long a connection id works at least (BEP 15 asks for 2 minutes; at most 10 s longer than this). */
  udpConnectionLife: minutes(10),
  /** Requests that wait in the kernel until the tracker reads them: half a second of the most that it answers. */
  udpReceiveQueueBytes: 4 * MiB,
  /** Replies that the kernel does not take at once: beyond it they are dropped, and peers ask again. */
  udpSendQueueBytesMax: 1 * MiB,

  // --- tracker, over WebSockets ---
  /** One message: ten offers of a browser with a dozen addresses are under 40 KiB. */
  signalFrameBytesMax: 64 * KiB,
  /** Pieces of one message: browsers send one, programs a few. */
  signalFragmentsMax: 64,
  /** Offers in one announce: clients make five, since each costs them a connection half made. */
  signalOffersMax: 10,
  /** A session description for data channels: 500 characters, and 100 more for each address. */
  signalSdpCharsMax: 8 * KiB,
  /** Offers of one peer that were handed out and not answered yet; the oldest is forgotten. */
  signalOffersOutMax: 40,
  /** How long an offer may be answered: clients forget it after 50 s. */
  signalOfferLife: seconds(60),
  /** Messages that a socket may send at once, each offer and each 8 KiB counting as one more... */
  signalMessagesBurst: 100,
  /** ...and in each second after that. An honest one sends an announce in two minutes and answers what it is offered. */
  signalMessagesPerSecond: 5,
  /** Bytes waiting to be sent to one socket: one that does not read is closed. */
  signalSendQueueBytesMax: 256 * KiB,
  /** The same for all sockets together: then those that have much waiting are closed. */
  signalSendQueueTotalBytesMax: 64 * MiB,
  /** What a socket may have waiting while all together hold too much. */
  signalSendQueueBytesFair: 16 * KiB,
  /** How long a socket may be in no swarm: it is of no use to anybody. */
  signalIdleTimeout: seconds(30),
  /** Each socket is pinged so often and gone when it has not answered by the next time: the dead are freed in 40 s. */
  signalPingInterval: seconds(20),

  // --- peer wire ---
  /** A bitfield of 2^23 pieces; blocks are 16 KiB. */
  peerMessageBytesMax: 1 * MiB,
  /** What we ask for, and what we serve at most, in one request, as all clients do (BEP 3). */
  blockRequestBytesMax: 16 * KiB,
  /** A request for more than this drops the peer: no client of today asks for it. */
  blockRequestBytesDrop: 128 * KiB,
  /** Requests of ours that a peer has not answered yet. */
  requestsOutMax: 500,
  /** Requests of a peer's that we have not answered yet; more are rejected (BEP 6) or dropped. */
  requestsInMax: 250,
  /** Bytes waiting to be sent to one peer: one that does not read holds no more. */
  sendQueueBytesMax: 2 * MiB,
  /** The same for all peers together: all that slow readers can make a process hold. */
  sendQueueTotalBytesMax: 128 * MiB,
  /** From the connection to the end of the handshake: a silent socket lives no longer. */
  handshakeTimeout: seconds(10),
  /** BEP 3 sends a keep-alive every two minutes; a peer silent for longer is gone. */
  peerSilenceMax: seconds(150),
  /** Connections of one torrent: no single one takes all of the process's descriptors. */
  peersPerTorrentMax: 200,
  /** Clients of one site that another of them may name: all connections of a torrent. */
  siteMembersMax: 200,
  /** How long one client may keep a piece to itself without a word: a slow link brings 16 KiB in less. */
  fetchLeaseMax: seconds(30),
  /** Pieces that one client may say to be fetching: ours fetch 32 at most. */
  fetchesToldMax: 64,
  /** Sockets of one address that have not finished their handshake. */
  unauthenticatedSocketsPerAddressMax: 50,
  /** BEP 9 metadata, hashed before it is parsed. */
  metadataBytesMax: 4 * MiB,
  /** A piece of metadata, as BEP 9 fixes it. */
  metadataPieceBytes: 16 * KiB,
  /** Extension handshake (BEP 10): names of extensions, a version, a few numbers. */
  extensionHandshakeBytesMax: 16 * KiB,
  /** Names in one extension handshake: clients have about ten. */
  extensionNamesMax: 64,
  /** Pieces a peer may help to spoil before it is banned. */
  hashStrikesMax: 3,
  /** Addresses that we remember for one torrent. */
  knownPeersMax: 1_000,
  /** Of these, the ones that worked last are kept across restarts: a torrent seeks 60 connections. */
  rememberedPeersMax: 50,
  /** An office address means somebody else after a week. */
  rememberedFor: minutes(7 * 24 * 60),
  /** The file that keeps them: 50 addresses and two keys are under 8 KiB. */
  rememberedFileBytesMax: 32 * KiB,
  /** Addresses that our clients tell each other in one message. */
  exchangePeersMax: 50,
  /** How often one of our clients asks another for addresses, and is answered. */
  exchangeEvery: minutes(1),
  /** One message of that exchange: 50 addresses of IPv6 take 900 bytes. */
  exchangeBytesMax: 2 * KiB,
  /** Proofs of the swarm's key that one peer may send: one, and one more each time its key changes, once a day. */
  exchangeProofsMax: 32,

  // --- portal ---
  /** JSON bodies; .torrent uploads have `torrentBytesMax`. */
  apiBodyBytesMax: 1 * MiB,
  /** A file that holds an API token: ours are under 100 characters. */
  tokenFileBytesMax: 4 * KiB,
  /** `DATA/trust.json`: each pinned portal takes under 20 KiB. */
  trustFileBytesMax: 1 * MiB,
  /** What our clients read of one answer of a portal. */
  apiReplyBytesMax: 8 * MiB,
  /** A title: a line or two on a page. */
  titleCharsMax: 200,
  /** A description: some pages of text. */
  descriptionCharsMax: 20_000,
  /** The notes of a release, as long as a description. */
  notesCharsMax: 20_000,
  /** A tag: a few words. */
  tagCharsMax: 40,
  /** Tags of one bundle: a row or two on its page. */
  tagsMax: 20,
  /** What a person searches for. */
  queryCharsMax: 200,
  /** Items in one page of a list, whatever is asked. */
  pageItemsMax: 200,
  /** Items in one page of a list when nothing is asked. */
  pageItemsDefault: 50,
  /** Globs in `--files`. */
  fileGlobsMax: 32,
  /** One such glob. */
  fileGlobCharsMax: 256,
  /** Grants in one report of a tracker about those that are used from many addresses. */
  sharedGrantsMax: 500,
  /** Infohashes in one presence report; an origin with more sends several. */
  presenceHashesMax: 2_000,
  /** Events in one answer of the control feed. */
  controlEventsMax: 1_000,
  /** Entries of one kind (revoked grants, served releases, ...) that one who follows the feed remembers: beyond any company, below 200 MB. */
  controlEntriesMax: 1_000_000,
  /** One answer of the control feed: a snapshot names each live grant that was revoked or is for a fleet, at about 130 characters, and each release that an origin serves, at 60. 64 MiB hold 500,000 of these. */
  controlReplyBytesMax: 64 * MiB,
  /** How long the control feed holds a request that has nothing new to tell. */
  controlPollWait: seconds(25),

  /** Devices of one account: beyond any person's; an origin's machines have accounts of their own. */
  devicesPerUserMax: 1_000,
  /** A person in more groups than this is in a script's mistake. */
  groupsPerPersonMax: 64,
  /** Words of a request for access, and of the answer: a paragraph. */
  reasonCharsMax: 1_000,
  /** Requests of one person that nobody has answered: whoever has so many waits for people, not for Shoal. */
  requestsOpenMax: 20,
  /** People and groups let in beside a bundle's audience; for more there is a group. */
  guestsMax: 500,
  /** Groups that the company's login names of one person: what it names beyond is passed over. */
  claimedGroupsMax: 1_000,
  /** Groups in all: a company of 10,000 has some 1,000; every one of them is in the list of groups. */
  groupsMax: 5_000,
  /** With words of the most common passwords refused, and a slow hash: long enough (NIST SP 800-63B, ASVS 5.0 6.2.1). */
  passwordCharsMin: 12,
  /** A passphrase; a longer one would only cost us time (ASVS 5.0, 6.2.9). */
  passwordCharsMax: 256,
  /** Passwords that are hashed or compared at the same time: each takes 19 MiB and a thread for some 20 ms. */
  passwordsAtOnceMax: 2,
  /** And that wait for their turn: two seconds' worth. */
  passwordsWaitingMax: 100,
  /** What a person calls a device. */
  deviceNameCharsMax: 64,

  // --- web seeds ---
  /** What one grant takes of the portal's bytes, in sizes of its release: one copy, and half of one to begin again with. */
  webSeedCopiesPerGrantMax: 1.5,
  /** Answers under way for one grant: its client asks for two at a time. */
  webSeedAnswersPerGrantMax: 2,
  /** Requests of one grant that wait for these: stock clients ask for up to a dozen parts at once. */
  webSeedWaitingPerGrantMax: 16,
  /** Answers of all grants together: each holds a stretch of a file. */
  webSeedAnswersMax: 64,
  /** How much of a file is brought into memory for one answer at a time. */
  webSeedStretchBytesMax: 256 * KiB,
  /** Grants whose share the portal keeps count of, at about 100 bytes each. */
  webSeedGrantsMax: 100_000,
  /** How long the portal waits for one who does not read what is sent. */
  webSeedReaderTimeout: seconds(30),
  /** Who reads slower loses its place to others, one of 64. Less than a rate limit that anybody sets on purpose. */
  webSeedReaderBytesPerSecondMin: 16 * KiB,
  /** A path of a release, percent-encoded, behind a grant. */
  webSeedPathCharsMax: 8 * KiB,
  /** A header of one range: two numbers of 16 digits. */
  rangeHeaderCharsMax: 64,
  /** What our client asks a web seed for at once: a few pieces, not a whole copy. */
  webSeedRequestBytesMax: 4 * MiB,
  /** In which a web seed must bring what it is asked for at once, where peers have it too: it is kept from them. */
  webSeedRequestTimeMax: minutes(2),
  /** Requests of our client under way at one web seed. */
  webSeedRequestsMax: 2,
  /** Redirects followed for one request, within the hosts of the portal. */
  webSeedRedirectsMax: 3,
  /** From asking a web seed to the head of its answer. */
  webSeedHeadTimeout: seconds(15),
  /** For each 64 KiB of an answer: a slower web seed is of no use. */
  webSeedSilenceMax: seconds(30),
  /** The least that we believe of a web seed's `Retry-After`. */
  webSeedRetryMin: seconds(1),
  /** The longest that a web seed can send us away for. */
  webSeedRetryMax: minutes(60),
  // --- playing ---
  /** Connections to the address that a player plays from: players open two or three, browsers six. */
  playerConnectionsMax: 16,
  /** Answers under way there; with one more the oldest ends, since it is what a seek left behind. */
  playerStreamsMax: 8,

  ...publishingLimits,
  ...watchLimits,
} as const
