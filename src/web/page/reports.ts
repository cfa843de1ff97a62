/** Tells the portal each minute, and at the end, what came from whom (ADR 20), by the page's grant. */
import type { Transfer } from '../../wire/api-figures.ts'
import type { Watch } from '../../wire/api-watch.ts'
import type { Viewer } from '../engine/viewer.ts'

/** The page's own grant, and then those that it got in place of it. */
export interface Grants {
  current: Watch['grant']
}

const EVERY_MS = 60_000
const SESSION_BYTES = 16

export class Reports {
  readonly #viewer: Viewer
  readonly #infohash: string
  readonly #grants: Grants
  readonly #session = sessionName()
  readonly #begunAt = performance.now()
  #seq = 0

  constructor(parts: { readonly viewer: Viewer; readonly infohash: string; readonly grants: Grants }) {
    this.#viewer = parts.viewer
    this.#infohash = parts.infohash
    this.#grants = parts.grants
    setInterval(() => {
      this.#send(false)
    }, EVERY_MS)
  }

  /** The page goes. */
  last(): void {
    this.#send(true)
  }

  /** Each holds all that the ones before held, so one that is lost is no loss. */
  #send(isLast: boolean): void {
    const { current: grant } = this.#grants
    if (grant === undefined) return
    const { exchanged, haveBytes, httpBytes } = this.#viewer.exchange()
    const item: Transfer = {
      session: this.#session,
      seq: ++this.#seq,
      infohash: this.#infohash,
      ageSeconds: Math.floor((performance.now() - this.#begunAt) / 1_000),
      startBytes: 0,
      haveBytes,
      webSeedBytes: httpBytes,
      // Whom we know by a name of the local network only cannot be told of: the other end tells of us.
      ends: exchanged.flatMap(({ address, isGateway, receivedBytes, sentBytes }) =>
        address === undefined
          ? []
          : [{ at: address, from: isGateway ? 'origin' : 'site', receivedBytes, sentBytes }],
      ),
    }
    void fetch('/api/v1/transfers', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Grant ${grant.token}`,
        'X-Shoal-Poll': '1',
      },
      body: JSON.stringify({ items: [item] }),
      keepalive: isLast,
      credentials: 'omit',
    }).catch(() => undefined)
  }
}

/** 22 characters of base64url. */
function sessionName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SESSION_BYTES))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
