/**
 * Valid messages, slightly wrong: what a fuzzer sends that gets past the framing. Noise alone ends at the
 * first byte of every parser.
 */
import fc from 'fast-check'

type Change = (bytes: Uint8Array) => Uint8Array

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** Where in a message of whatever length: a fraction of it. Not `fc.double`, most of whose values are nearly 0. */
const place = fc.nat(999_999).map((n) => n / 1_000_000)

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.nat(255)).map(([at, byte]): Change => {
    return (bytes) => bytes.map((old, i) => (i === Math.floor(at * bytes.length) ? byte : old))
  }),
  fc.tuple(place, fc.nat(7)).map(([at, bit]): Change => {
    return (bytes) => bytes.map((old, i) => (i === Math.floor(at * bytes.length) ? old ^ (1 << bit) : old))
  }),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 4 })).map(([at, more]): Change => {
    return (bytes) => {
      const cut = Math.floor(at * bytes.length)
      return join(bytes.subarray(0, cut), more, bytes.subarray(cut))
    }
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 12 })).map(([at, count]): Change => {
    return (bytes) => {
      const cut = Math.floor(at * bytes.length)
      return join(bytes.subarray(0, cut), bytes.subarray(cut + count))
    }
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([at, count]): Change => {
    return (bytes) => {
      const cut = Math.floor(at * bytes.length)
      return join(bytes.subarray(0, cut + count), bytes.subarray(cut))
    }
  }),
  place.map(
    (at): Change =>
      (bytes) =>
        bytes.slice(0, Math.floor(at * bytes.length)),
  ),
)

/** Up to three changes to one of the valid messages; now and then none, so that some are always read. */
export function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(valid, fc.array(changes, { maxLength: 3 }))
    .map(([bytes, list]) => list.reduce((now, change) => change(now), bytes))
}

/** The same for texts of one byte a character. */
export function mutatedText(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return mutated(valid.map((text) => new Uint8Array(Buffer.from(text, 'latin1')))).map((bytes) =>
    Buffer.from(bytes).toString('latin1'),
  )
}
