/**
 * Secrets that must not turn up, and everything in which they could have: each text is searched for every piece of
 * every secret, as it stands and with its percent-encoding taken off.
 */

/** Two pieces side by side are shorter than any use that could be made of a part. */
const PIECE_CHARS = 12
export interface Evidence {
  /** What was looked at, for the message. */
  readonly where: string
  readonly text: string
  /** Names of secrets that this one thing is there to hold. */
  readonly mayHold: readonly string[]
}

export class Canaries {
  /** Name to pieces. */
  readonly #pieces = new Map<string, readonly string[]>()
  readonly evidence: Evidence[] = []

  /** A secret as a whole; of a grant its signature: infohash, id and expiry are no secrets and much alike. */
  add(name: string, secret: string): void {
    const [, , signature = secret.replace(/^shoal_/, '')] = secret.split('.')
    const pieces = signature.match(new RegExp(`.{${PIECE_CHARS}}`, 'g')) ?? []
    if (pieces.length < 3) throw new TypeError(`${name} is no secret of ours`)
    this.#pieces.set(name, pieces)
  }

  get names(): readonly string[] {
    return [...this.#pieces.keys()]
  }

  see(where: string, text: string | Buffer, mayHold: readonly string[] = []): void {
    this.evidence.push({ where, text: typeof text === 'string' ? text : text.toString('latin1'), mayHold })
  }

  /** Names of the secrets of which a piece stands in the text. */
  in(text: string): string[] {
    const readings = [text, decoded(text), decoded(decoded(text))]
    const stands = (piece: string): boolean => readings.some((reading) => reading.includes(piece))
    return [...this.#pieces].filter(([, pieces]) => pieces.some(stands)).map(([name]) => name)
  }

  /** A line for each secret where it should not be. */
  leaks(): string[] {
    return this.evidence.flatMap(({ where, text, mayHold }) =>
      this.in(text)
        .filter((name) => !mayHold.includes(name))
        .map((name) => `${name} stands in ${where}`),
    )
  }
}

/** What is no encoding of a byte stays. */
function decoded(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

/** Every character of it as `%XX`: the same to who decodes it. */
export function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
