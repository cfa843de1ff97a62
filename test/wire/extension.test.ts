import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import {
  decodeDontHave,
  decodeExtensionHandshake,
  decodeMetadataMessage,
  encodeDontHave,
  encodeExtensionHandshake,
  encodeMetadataMessage,
  type MetadataMessage,
} from '../../src/wire/extension.ts'
import { limits } from '../../src/wire/limits.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)
const text = (s: string): Uint8Array => Buffer.from(s, 'latin1')
const refused = (act: () => unknown): void =>
  assert.throws(act, (error) => error instanceof ShoalError && error.code === 'bad-input')

/** Valid messages with a few bytes changed: most pass the framing and try what lies behind it. */
function mutations(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const bytes = new Uint8Array(valid)
    for (const [at, value] of changes) bytes[at] = value
    return bytes
  })
}

function onlyShoalErrors(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes)
  } catch (error) {
    assert.ok(error instanceof ShoalError, String(error))
  }
}

describe('the extension handshake', () => {
  const handshake = {
    ids: new Map([
      ['ut_metadata', 2],
      ['lt_donthave', 7],
    ]),
    client: 'Shoal 0.1.0',
    listenPort: 16_881,
    metadataBytes: 31_235,
    requestsInMax: 250,
  }

  it('is read as it was written', () => {
    assert.deepEqual(decodeExtensionHandshake(encodeExtensionHandshake(handshake)), handshake)
    assert.deepEqual(decodeExtensionHandshake(text('de')), { ids: new Map() })
  })

  it('is refused or read, never more, whatever is changed in it', () => {
    fc.assert(
      fc.property(mutations(encodeExtensionHandshake(handshake)), (bytes) =>
        onlyShoalErrors(decodeExtensionHandshake, bytes),
      ),
      { numRuns },
    )
  })

  it('refuses values of a wrong type, and counts numbers out of range as absent', () => {
    refused(() => decodeExtensionHandshake(text('d1:md6:ut_pexd8:toStringi1eeee')))
    refused(() => decodeExtensionHandshake(text('d1:v3:abc1:mdee')))
    refused(() => decodeExtensionHandshake(text('l-3:e')))
    const absurd = 'd1:md1:ai0e1:bi256e1:ci-1ee13:metadata_sizei1099511627776e1:pi99999e4:reqqi-5ee'
    assert.deepEqual(decodeExtensionHandshake(text(absurd)), { ids: new Map() })
  })

  it('takes __proto__ for a name like any other', () => {
    const { ids } = decodeExtensionHandshake(text('d1:md9:__proto__i3eee'))
    assert.deepEqual([...ids], [['__proto__', 3]])
  })

  it('is bounded in its length and its names', () => {
    refused(() => decodeExtensionHandshake(new Uint8Array(limits.extensionHandshakeBytesMax + 1)))
    const names = Array.from({ length: 65 }, (_, i) => [`x${String(100 + i)}`, 1] as const)
    refused(() => decodeExtensionHandshake(encodeExtensionHandshake({ ids: new Map(names) })))
  })

  it('keeps a client name fit for a screen', () => {
    const name = `\u001b[2J\u202eevil\u0000 ${'x'.repeat(500)}`
    const { client } = decodeExtensionHandshake(encodeExtensionHandshake({ ids: new Map(), client: name }))
    assert.match(client ?? '', /^\[2Jevil x+$/)
    assert.equal(client?.length, 64)
  })
})

describe('ut_metadata', () => {
  const data = { kind: 'data', piece: 3, totalBytes: 60_000, bytes: Buffer.from('some info bytes') } as const
  const messages: readonly Exclude<MetadataMessage, { kind: 'unknown' }>[] = [
    { kind: 'request', piece: 0 },
    { kind: 'reject', piece: 255 },
    data,
  ]

  it('is read as it was written', () => {
    for (const message of messages)
      assert.deepEqual(decodeMetadataMessage(encodeMetadataMessage(message)), message)
  })

  it('is refused or read, never more, whatever is changed in it', () => {
    for (const message of messages)
      fc.assert(
        fc.property(mutations(encodeMetadataMessage(message)), (bytes) =>
          onlyShoalErrors(decodeMetadataMessage, bytes),
        ),
        { numRuns },
      )
  })

  it('is refused when it is empty, out of range, of a wrong length or has bytes behind it', () => {
    refused(() => decodeMetadataMessage(text('')))
    refused(() => decodeMetadataMessage(text('l-3:e')))
    refused(() => decodeMetadataMessage(text('d8:msg_typei0ee')))
    refused(() => decodeMetadataMessage(text('d8:msg_typei0e5:piecei-1ee')))
    refused(() => decodeMetadataMessage(text('d8:msg_typei0e5:piecei256ee')))
    refused(() => decodeMetadataMessage(text('d8:msg_typei-1e5:piecei0ee')))
    refused(() => decodeMetadataMessage(text('d8:msg_typei0e5:piecei0eextra')))
    refused(() => decodeMetadataMessage(text('d8:msg_typei1e5:piecei0e10:total_sizei5ee')))
    refused(() => decodeMetadataMessage(text('d8:msg_typei1e5:piecei0eeabc')))
    refused(() => decodeMetadataMessage(Buffer.concat([encodeMetadataMessage(data), new Uint8Array(16_384)])))
  })

  it('of a kind of the future is known to be unknown', () => {
    assert.deepEqual(decodeMetadataMessage(text('d8:msg_typei9e5:piecei0ee')), { kind: 'unknown' })
  })
})

describe('lt_donthave', () => {
  it('is four bytes and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (piece) =>
        assert.equal(decodeDontHave(encodeDontHave(piece)), piece),
      ),
      { numRuns },
    )
    refused(() => decodeDontHave(new Uint8Array(3)))
    refused(() => decodeDontHave(new Uint8Array(5)))
  })
})
