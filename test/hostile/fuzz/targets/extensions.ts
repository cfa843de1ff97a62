/** Parsers of the messages of extensions (BEP 9, 10, 54), whose bodies are bencode. */
import assert from 'node:assert/strict'
import {
  decodeDontHave,
  decodeExtensionHandshake,
  decodeMetadataMessage,
  encodeDontHave,
  encodeExtensionHandshake,
  encodeMetadataMessage,
} from '../../../../src/wire/extension.ts'
import { decodeBencodePrefix, dictOf } from '../../../../src/wire/bencode.ts'
import { bytesOfText, passes, type Target } from '../target.ts'
import { bencoded, isBencode } from './bencoded.ts'

export const extensionTargets: readonly Target[] = [
  {
    name: 'extension handshake',
    files: ['wire/extension.ts'],
    beside: [
      'encodeExtensionHandshake',
      'encodeMetadataMessage',
      'encodeDontHave',
      'decodeMetadataMessage',
      'decodeDontHave',
    ],
    dialect: 'bencode',
    words: ['m', 'v', 'p', 'reqq', 'metadata_size', 'ut_metadata', 'lt_donthave', 'ut_pex', 'yourip'],
    seeds: [
      encodeExtensionHandshake({
        ids: new Map([
          ['ut_metadata', 2],
          ['lt_donthave', 7],
        ]),
        client: 'Shoal 0.1',
        listenPort: 6_881,
        metadataBytes: 20_000,
        requestsInMax: 250,
      }),
      bencoded({ m: dictOf({ ut_pex: 1, ut_metadata: 0 }), v: 'µTorrent', yourip: new Uint8Array(4) }),
      bencoded({ m: dictOf(Object.fromEntries(Array.from({ length: 66 }, (_, i) => [`x${i}`, i]))) }),
      bencoded({ v: 'x'.repeat(17_000) }),
    ],
    frame: isBencode,
    read: (bytes) => {
      const handshake = decodeExtensionHandshake(bytes)
      assert.deepEqual(decodeExtensionHandshake(encodeExtensionHandshake(handshake)).ids, handshake.ids)
    },
  },
  {
    name: 'ut_metadata',
    files: ['wire/extension.ts'],
    beside: [
      'encodeExtensionHandshake',
      'encodeMetadataMessage',
      'encodeDontHave',
      'decodeExtensionHandshake',
      'idsOf',
      'clientName',
      'within',
      'decodeDontHave',
    ],
    dialect: 'bencode',
    words: ['msg_type', 'piece', 'total_size'],
    seeds: [
      encodeMetadataMessage({ kind: 'request', piece: 0 }),
      encodeMetadataMessage({ kind: 'reject', piece: 3 }),
      bencoded({ msg_type: 1, piece: 0, total_size: 16_384 }),
      encodeMetadataMessage({ kind: 'data', piece: 1, totalBytes: 16_500, bytes: new Uint8Array(116) }),
      bytesOfText('d8:msg_typei0e5:piecei0eex'),
      encodeMetadataMessage({ kind: 'data', piece: 1, totalBytes: 16_500, bytes: new Uint8Array(16_385) }),
    ],
    frame: (bytes) => passes(() => decodeBencodePrefix(bytes)),
    read: (bytes) => {
      const message = decodeMetadataMessage(bytes)
      if (message.kind === 'unknown') return
      const written = Buffer.from(encodeMetadataMessage(message))
      assert.ok(
        Buffer.from(encodeMetadataMessage(decodeMetadataMessage(written) as typeof message)).equals(written),
      )
    },
  },
  {
    name: 'lt_donthave',
    files: ['wire/extension.ts'],
    beside: [
      'encodeExtensionHandshake',
      'encodeMetadataMessage',
      'encodeDontHave',
      'decodeExtensionHandshake',
      'idsOf',
      'clientName',
      'within',
      'decodeMetadataMessage',
    ],
    dialect: 'records',
    seeds: [encodeDontHave(0), encodeDontHave(4_294_967_295)],
    frame: (bytes) => bytes.length > 0,
    read: (bytes) => assert.ok(Buffer.from(encodeDontHave(decodeDontHave(bytes))).equals(bytes)),
  },
]
