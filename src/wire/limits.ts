/**
 * Every bound on what arrives from outside, each with its reason. `docs/limits.md` is the reader's version.
 * Names end in the unit; `Max` and `Min` go last.
 */
import { KiB, MiB, minutes, seconds } from '../core/units.ts'

export const limits = {
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
  magnetParametersMax: 32,
  /** BEP 53 ranges in one magnet: more do not fit beside the rest. */
  magnetFileRangesMax: 64,
  /** Stock clients cut or refuse long tracker URLs (libtorrent: 255 bytes of UDP URL data). */
  grantCharsMax: 230,
  /** A grant outlives no month: who still belongs gets a new one. */
  grantLifeMax: minutes(30 * 24 * 60),
  /** Clocks of office machines drift; a minute and a half is what NTP-less ones show in practice. */
  clockLeeway: seconds(90),

  // --- tracker ---
  /** An announce URL with its grant is under 600; nobody honest sends more. */
  announceQueryCharsMax: 2 * KiB,
  /** Peers in one reply, whatever is asked: 200 connections is what a client can use. */
  numWantMax: 100,
  numWantDefault: 50,
  /** Infohashes in one scrape. */
  scrapeHashesMax: 64,
  /** Below 1024 live services that a swarm could be aimed at. */
  peerPortMin: 1_024,
  /** A tracker's reply: 100 peers and their flags are under 4 KiB. */
  trackerReplyBytesMax: 64 * KiB,
  /** What we believe of a tracker's `interval` and `retry in`. */
  announceIntervalMin: seconds(30),
  announceIntervalMax: minutes(60),
  /** Distinct addresses a grant may announce from: a person has a few devices. */
  peersPerGrantDefault: 8,
  /** The same for a link that a publisher gives to a fleet of machines. */
  peersPerGrantMax: 256,
  /** The whole head of a request, from its first byte: half-open sockets live no longer. */
  requestHeadersTimeout: seconds(10),
  /** A whole request with its body. */
  requestTimeout: seconds(15),

  // --- peer wire ---
  /** A bitfield of 2^23 pieces; blocks are 16 KiB. */
  peerMessageBytesMax: 1 * MiB,
  /** What we ask for, and what we serve at most in one request; more than 128 KiB drops the peer. */
  blockRequestBytesMax: 16 * KiB,
  blockRequestBytesDrop: 128 * KiB,
  /** Requests of ours that a peer has not answered yet. */
  requestsOutMax: 500,
  /** Requests of a peer's that we have not answered yet; more are rejected (BEP 6) or dropped. */
  requestsInMax: 250,
  /** Bytes waiting to be sent to one peer, and to all. */
  sendQueueBytesMax: 2 * MiB,
  sendQueueTotalBytesMax: 128 * MiB,
  handshakeTimeout: seconds(10),
  /** BEP 3 sends a keep-alive every two minutes; a peer silent for longer is gone. */
  peerSilenceMax: seconds(150),
  peersPerTorrentMax: 200,
  /** Sockets of one address that have not finished their handshake. */
  unauthenticatedSocketsPerAddressMax: 50,
  /** BEP 9 metadata, hashed before it is parsed. */
  metadataBytesMax: 4 * MiB,
  metadataPieceBytes: 16 * KiB,
  /** Extension handshake (BEP 10): names of extensions, a version, a few numbers. */
  extensionHandshakeBytesMax: 16 * KiB,
  extensionNamesMax: 64,
  /** Pieces a peer may help to spoil before it is banned. */
  hashStrikesMax: 3,
  /** Addresses that we remember for one torrent. */
  knownPeersMax: 1_000,

  // --- portal ---
  /** JSON bodies; .torrent uploads have `torrentBytesMax`. */
  apiBodyBytesMax: 1 * MiB,
  /** A file that holds an API token: ours are under 100 characters. */
  tokenFileBytesMax: 4 * KiB,
  /** `DATA/trust.json`: each pinned portal takes under 20 KiB. */
  trustFileBytesMax: 1 * MiB,
  /** What our clients read of one answer of a portal. */
  apiReplyBytesMax: 8 * MiB,
  titleCharsMax: 200,
  descriptionCharsMax: 20_000,
  notesCharsMax: 20_000,
  tagCharsMax: 40,
  tagsMax: 20,
  queryCharsMax: 200,
  pageItemsMax: 200,
  pageItemsDefault: 50,
  /** Globs in `--files`. */
  fileGlobsMax: 32,
  fileGlobCharsMax: 256,
  /** Infohashes in one presence report; an origin with more sends several. */
  presenceHashesMax: 2_000,
  /** Events in one answer of the control feed. */
  controlEventsMax: 1_000,
  /** Entries of one kind (revoked grants, served releases, ...) that one who follows the feed remembers:
   *  beyond any company, below 200 MB. */
  controlEntriesMax: 1_000_000,
  /** One answer of the control feed: a snapshot names each live grant that was revoked or is for a fleet, at about
   *  130 characters, and each release that an origin serves, at 60. 64 MiB hold 500,000 of these. */
  controlReplyBytesMax: 64 * MiB,
  /** How long the control feed holds a request that has nothing new to tell. */
  controlPollWait: seconds(25),

  // --- publishing ---
  /** Files in one release: as many as a torrent may list. */
  publishFilesMax: 100_000,
  /** Folders within folders: deeper paths are longer than systems take. */
  publishDepthMax: 64,
  /** A `.shoalignore` file. */
  ignoreFileBytesMax: 64 * KiB,
  /** A sites file: 10,000 ranges. */
  sitesFileBytesMax: 1 * MiB,
} as const
