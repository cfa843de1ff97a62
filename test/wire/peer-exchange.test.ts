import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressOfBytes, type Endpoint, isIPv6 } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  decodeExchangeMessage,
  encodeExchangeMessage,
  type ExchangeMessage,
} from '../../src/wire/peer-exchange.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutated } from '../support/mutations.ts'
import { FUZZ_RUNS, orRefused } from './fuzz.ts'

type Known = Exclude<ExchangeMessage, { kind: 'unknown' }>

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const endpointsOf = (length: 4 | 16): fc.Arbitrary<Endpoint[]> =>
  fc.array(
    fc
      .tuple(bytes(length).map(addressOfBytes), fc.integer({ min: 0, max: 65_535 }))
      .filter(([host]) => isIPv6(host) === (length === 16))
      .map(([host, port]) => ({ host, port })),
    { maxLength: 25 },
  )
const messages: fc.Arbitrary<Known> = fc.oneof(
  bytes(32).map((nonce): Known => ({ kind: 'challenge', nonce })),
  fc.array(bytes(32), { minLength: 1, maxLength: 2 }).map((proofs): Known => ({ kind: 'proof', proofs })),
  fc.constant<Known>({ kind: 'ask' }),
  fc
    .tuple(endpointsOf(4), endpointsOf(16))
    .map(([v4, v6]): Known => ({ kind: 'peers', endpoints: [...v4, ...v6] })),
)
/** Whether bytes come as a Buffer is nobody's business. */
const spelt = (message: ExchangeMessage): string =>
  Object.values(message)
    .map((value: string | Uint8Array | readonly (Uint8Array | Endpoint)[]) =>
      (typeof value === 'string' || value instanceof Uint8Array ? [value] : value).map((part) =>
        part instanceof Uint8Array ? Buffer.from(part).toString('hex') : JSON.stringify(part),
      ),
    )
    .join(' ')
const again = (message: Known): ExchangeMessage => decodeExchangeMessage(encodeExchangeMessage(message))

describe('a message between our own clients', () => {
  it('is read as it was written, of every kind', () => {
    const kinds = new Set<string>()
    fc.assert(
      fc.property(messages, (message) => {
        kinds.add(message.kind)
        assert.equal(spelt(again(message)), spelt(message))
      }),
      { numRuns: FUZZ_RUNS },
    )
    assert.deepEqual([...kinds].toSorted(), ['ask', 'challenge', 'peers', 'proof'])
  })

  it('is refused or read, never more, whatever is changed in it', () => {
    fc.assert(
      fc.property(
        mutated(messages.map((message) => new Uint8Array(encodeExchangeMessage(message)))),
        (changed) =>
          orRefused(() => {
            const message = decodeExchangeMessage(changed)
            if (message.kind !== 'unknown') assert.equal(spelt(again(message)), spelt(message))
          }),
      ),
      { numRuns: FUZZ_RUNS },
    )
  })

  for (const { name, bytes: input, mustBeRead } of hostileInputs('peer-exchange'))
    it(`${mustBeRead ? 'is read' : 'is refused'}: ${name}`, () => {
      if (mustBeRead) decodeExchangeMessage(input)
      else assert.throws(() => decodeExchangeMessage(input), ShoalError)
    })

  it('names 50 endpoints and no more, also of both families together', () => {
    const many = (n: number): Uint8Array =>
      encodeExchangeMessage({
        kind: 'peers',
        endpoints: Array.from({ length: n }, (_, i) => ({
          host: addressOfBytes(i % 2 === 0 ? Uint8Array.of(10, 0, 0, i) : new Uint8Array(16).fill(i + 1)),
          port: 6_881,
        })),
      })
    assert.ok(many(limits.exchangePeersMax).length <= limits.exchangeBytesMax)
    const read = decodeExchangeMessage(many(limits.exchangePeersMax))
    assert.equal(read.kind === 'peers' && read.endpoints.length, limits.exchangePeersMax)
    assert.throws(() => decodeExchangeMessage(many(limits.exchangePeersMax + 1)), ShoalError)
  })

  it('of a kind that is still to come is passed over', () => {
    assert.deepEqual(decodeExchangeMessage(Buffer.from('d8:msg_typei9ee')), { kind: 'unknown' })
  })

  it('does not keep the memory that it was read from', () => {
    const raw = new Uint8Array(
      encodeExchangeMessage({ kind: 'challenge', nonce: new Uint8Array(32).fill(7) }),
    )
    const message = decodeExchangeMessage(raw)
    raw.fill(0)
    assert.ok(message.kind === 'challenge' && message.nonce.every((byte) => byte === 7))
  })
})
