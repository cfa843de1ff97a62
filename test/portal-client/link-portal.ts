/** A portal as far as links go: it has keys, shows its key document, and signs magnets. */
import { infoHash } from '../../src/core/ids.ts'
import { signKeyDocument } from '../../src/wire/key-document.ts'
import type { Jwks, KeyDocument } from '../../src/wire/keys.ts'
import { formatMagnet, type Magnet } from '../../src/wire/magnet.ts'
import { signMagnet } from '../../src/wire/magnet-signature.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'
import { answer, serve, type TestServer } from './fixtures.ts'

export const ISSUED_AT = '2026-07-01T12:00:00.000Z'

/** On a free port, with its first key document. */
export async function openLinkPortal(): Promise<LinkPortal> {
  const shown: { jwks?: Jwks } = {}
  const portal = new LinkPortal(
    await serve((_req, res) => {
      answer(res, shown.jwks)
    }),
    shown,
  )
  await portal.show({})
  return portal
}

/** Test portals of one process share keys unless a test needs others: making them costs the most. */
export const keys = {
  portal: await newKey('portal'),
  nextPortal: await newKey('portal'),
  link: await newKey('link'),
  nextLink: await newKey('link'),
}

export async function newKey(purpose: 'portal' | 'link'): Promise<SigningKey> {
  return (await generateSigningKey(purpose)).key
}

export class LinkPortal implements AsyncDisposable {
  readonly #server: TestServer
  /** What the server answers. */
  readonly #shown: { jwks?: Jwks }

  constructor(server: TestServer, shown: { jwks?: Jwks }) {
    this.#server = server
    this.#shown = shown
  }

  get url(): string {
    return this.#server.url
  }

  get asked(): readonly string[] {
    return this.#server.asked
  }

  /** What the key document says from now on. */
  async show(said: {
    readonly portalKey?: SigningKey
    readonly linkKey?: SigningKey
    readonly previous?: SigningKey
    readonly document?: Partial<KeyDocument>
  }): Promise<void> {
    const portalKey = said.portalKey ?? keys.portal
    const document: KeyDocument = {
      portal: this.url,
      hosts: [],
      keys: [portalKey.publicKey, (said.linkKey ?? keys.link).publicKey],
      issuedAt: ISSUED_AT,
      ...said.document,
    }
    this.#shown.jwks = await signKeyDocument(document, portalKey, said.previous)
  }

  magnet(over: Partial<Magnet> = {}): Magnet {
    return {
      infoHash: infoHash('a'.repeat(40)),
      displayName: 'film',
      trackers: [`${this.url}/announce?g=x`],
      exactSources: [`${this.url}/dl/x.torrent`],
      webSeeds: [],
      ...over,
    }
  }

  async link(over: Partial<Magnet> = {}, key: SigningKey = keys.link): Promise<string> {
    return formatMagnet(await signMagnet(this.magnet(over), key))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }
}
