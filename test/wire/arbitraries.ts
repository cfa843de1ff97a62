/** What more than one test of the wire draws by chance. */
import fc from 'fast-check'
import { infoHashOfBytes, peerIdOfBytes } from '../../src/core/ids.ts'
import type { AnnounceEvent, AnnounceRequest } from '../../src/wire/announce.ts'
import { keyOfBytes } from '../../src/wire/bencode.ts'
import { limits } from '../../src/wire/limits.ts'

const twentyBytes = fc.uint8Array({ minLength: 20, maxLength: 20 })

export const anyInfoHash = twentyBytes.map(infoHashOfBytes)

export const ANNOUNCE_EVENTS: readonly (AnnounceEvent | undefined)[] = [
  'started',
  'stopped',
  'completed',
  undefined,
]

export const anyAnnounce: fc.Arbitrary<AnnounceRequest> = fc
  .record({
    infoHash: anyInfoHash,
    peerId: twentyBytes.map(peerIdOfBytes),
    port: fc.integer({ min: 1, max: 65_535 }),
    bytes: fc.tuple(fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat()),
    event: fc.constantFrom(...ANNOUNCE_EVENTS),
    numWant: fc.option(fc.integer({ min: 0, max: limits.numWantMax })),
    key: fc.option(fc.uint8Array({ minLength: 1, maxLength: 64 }).map(keyOfBytes)),
    grant: fc.option(fc.stringMatching(/^[A-Za-z0-9_.-]{1,230}$/)),
    compact: fc.boolean(),
    isOurs: fc.boolean(),
  })
  .map(({ bytes: [uploadedBytes, downloadedBytes, leftBytes], event, numWant, key, grant, ...always }) => ({
    ...always,
    uploadedBytes,
    downloadedBytes,
    leftBytes,
    ...(event !== undefined && { event }),
    ...(numWant !== null && { numWant }),
    ...(key !== null && { key }),
    ...(grant !== null && { grant }),
  }))
