/** A certificate and its key in files, read again when they change: whoever renews them restarts nothing. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { quote } from '../core/file-name.ts'
import { ShoalError } from '../core/errors.ts'
import { KiB, minutes } from '../core/units.ts'
import type { Clock } from './clock.ts'
import { readFileBounded } from './files.ts'
import type { Logger } from './log.ts'

const FILE_BYTES_MAX = 256 * KiB
const LOOK_EVERY = minutes(1)

export interface TlsPaths {
  /** PEM: the certificate, and those between it and the authority's. */
  readonly certificate: string
  /** PEM, without a passphrase. */
  readonly key: string
}

/** PEM, both, and they belong together. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
}

export interface TlsFilesParts {
  readonly clock: Clock
  readonly log: Logger
}

export class TlsFiles implements Disposable {
  readonly #paths: TlsPaths
  readonly #parts: TlsFilesParts
  readonly #listeners = new Set<(material: TlsMaterial) => void>()
  readonly #looking: { cancel(): void }
  #material: TlsMaterial
  #stamp: string

  private constructor(paths: TlsPaths, parts: TlsFilesParts, material: TlsMaterial, stamp: string) {
    this.#paths = paths
    this.#parts = parts
    this.#material = material
    this.#stamp = stamp
    this.#looking = parts.clock.every(LOOK_EVERY, () => void this.look())
  }

  /** @throws ShoalError `bad-usage` when a file cannot be read, is no PEM, or the two do not belong together. */
  static async open(paths: TlsPaths, parts: TlsFilesParts): Promise<TlsFiles> {
    const stamp = await stampOf(paths)
    return new TlsFiles(paths, parts, await readMaterial(paths), stamp)
  }

  get material(): TlsMaterial {
    return this.#material
  }

  /** Called with what is new. */
  onChange(listener: (material: TlsMaterial) => void): void {
    this.#listeners.add(listener)
  }

  /** Reads the files if they have changed. What is not good is logged, and what was goes on: it may be half written. */
  async look(): Promise<void> {
    const { log } = this.#parts
    try {
      const stamp = await stampOf(this.#paths)
      if (stamp === this.#stamp) return
      this.#material = await readMaterial(this.#paths)
      this.#stamp = stamp
      for (const listener of this.#listeners) listener(this.#material)
      log.info({ validTo: new X509Certificate(this.#material.cert).validTo }, 'the new certificate is in use')
    } catch (error) {
      log.warn({ err: error }, 'the certificate files have changed and cannot be used: the old ones go on')
    }
  }

  [Symbol.dispose](): void {
    this.#looking.cancel()
  }
}

async function stampOf({ certificate, key }: TlsPaths): Promise<string> {
  const stamps = await Promise.all(
    [certificate, key].map(async (path) => {
      const found = await stat(path).catch((cause: unknown) => {
        throw new ShoalError('bad-usage', `${quote(path)} cannot be read: a PEM file was expected`, { cause })
      })
      return `${found.ino} ${found.size} ${found.mtimeMs}`
    }),
  )
  return stamps.join(' ')
}

async function readMaterial(paths: TlsPaths): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([readPem(paths.certificate), readPem(paths.key)])
  const certificate = parsed(paths.certificate, 'certificate', () => new X509Certificate(cert))
  const privateKey: KeyObject = parsed(paths.key, 'private key without a passphrase', () =>
    createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey))
    throw new ShoalError('bad-usage', `the key in ${quote(paths.key)} is not that of the certificate`)
  return { cert, key }
}

async function readPem(path: string): Promise<string> {
  try {
    return Buffer.from(await readFileBounded(path, FILE_BYTES_MAX)).toString('utf8')
  } catch (cause) {
    throw new ShoalError('bad-usage', `${quote(path)} cannot be read: a PEM file was expected`, { cause })
  }
}

function parsed<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new ShoalError('bad-usage', `${quote(path)} holds no ${what} in PEM`, { cause })
  }
}
