/** The portals that this machine trusts: `DATA/trust.json`, whole or not at all on the disk. */
import { join } from 'node:path'
import { quote } from '../core/file-name.ts'
import { ShoalError } from '../core/errors.ts'
import { readFileBounded, writeFileAtomic } from '../platform/files.ts'
import type { KeyDocument, PublicKey } from '../wire/keys.ts'
import { limits } from '../wire/limits.ts'

export interface PinnedPortal {
  /** `https://media.example.com`. */
  readonly origin: string
  /** Who it is: what it says is believed only when this key, or one that this key signed, says it. */
  readonly portalKey: PublicKey
  /** The newest key document seen: its link keys verify links without asking the portal. */
  readonly document: KeyDocument
  /** ISO 8601: when it was first trusted. */
  readonly pinnedAt: string
}

export class TrustStore {
  readonly path: string

  constructor(dataDir: string) {
    this.path = join(dataDir, 'trust.json')
  }

  /** In the order they were pinned; none when the file does not exist. @throws ShoalError `bad-input`. */
  async all(): Promise<readonly PinnedPortal[]> {
    const bytes = await this.#read()
    if (bytes === undefined) return []
    const portals = listIn(bytes)
    if (portals?.every(isPinnedPortal) !== true)
      throw new ShoalError(
        'bad-input',
        `${quote(this.path)} cannot be read: repair it, or remove it to trust anew`,
      )
    return portals
  }

  async find(origin: string): Promise<PinnedPortal | undefined> {
    return (await this.all()).find((portal) => portal.origin === origin)
  }

  /** Replaces what was pinned for the same origin. */
  async pin(portal: PinnedPortal): Promise<void> {
    const others = (await this.all()).filter((other) => other.origin !== portal.origin)
    const text = JSON.stringify({ portals: [...others, portal] }, undefined, 2)
    await writeFileAtomic(this.path, `${text}\n`, { mode: 0o600 })
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      return await readFileBounded(this.path, limits.trustFileBytesMax)
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'not-found') return undefined
      throw error
    }
  }
}

function listIn(bytes: Uint8Array): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return has(value, 'portals') && Array.isArray(value.portals) ? value.portals : undefined
  } catch {
    return undefined
  }
}

// By hand and not by zod: this file is our own, and reading it is on the way to the first announce.

function isPinnedPortal(value: unknown): value is PinnedPortal {
  return (
    has(value, 'origin') &&
    typeof value.origin === 'string' &&
    has(value, 'pinnedAt') &&
    typeof value.pinnedAt === 'string' &&
    has(value, 'portalKey') &&
    isPublicKey(value.portalKey) &&
    has(value, 'document') &&
    isKeyDocument(value.document)
  )
}

function isKeyDocument(value: unknown): value is KeyDocument {
  return (
    has(value, 'portal') &&
    typeof value.portal === 'string' &&
    has(value, 'issuedAt') &&
    typeof value.issuedAt === 'string' &&
    has(value, 'hosts') &&
    Array.isArray(value.hosts) &&
    value.hosts.every((host) => typeof host === 'string') &&
    has(value, 'keys') &&
    Array.isArray(value.keys) &&
    value.keys.every(isPublicKey)
  )
}

const KEY_FIELDS = ['kty', 'crv', 'alg', 'use', 'kid', 'x', 'purpose'] as const

function isPublicKey(value: unknown): value is PublicKey {
  return KEY_FIELDS.every((field) => has(value, field) && typeof value[field] === 'string')
}

function has<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
}
