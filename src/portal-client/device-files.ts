/** `DATA/device/PORTAL/`: this machine's key for a portal, which never leaves it, and the certificate for it. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { quote } from '../core/file-name.ts'
import { ShoalError } from '../core/errors.ts'
import type { DeviceId } from '../core/ids.ts'
import { readSecretFile, writeSecretFile } from '../platform/files.ts'
import { deviceIdOf } from '../wire/certified-device.ts'

/** PEM, both. */
export interface Certified {
  readonly certificate: string
  readonly ca: string
}

export interface DeviceKey {
  readonly device: DeviceId
  /** PEM, a secret. */
  readonly key: string
}

export class DeviceFiles {
  readonly folder: string

  constructor(dataDir: string, portal: string) {
    this.folder = join(dataDir, 'device', portal.replaceAll(/[^a-zA-Z0-9.-]+/g, '_'))
  }

  /**
   * The key, made when there is none. Of two processes that make one at the same time both go on with the one that
   * was written last.
   * @throws ShoalError `not-granted` when others may read it, `bad-input` when it is none.
   */
  async key(): Promise<DeviceKey> {
    const path = join(this.folder, 'key.pem')
    const there = await readSecretFile(path)
    if (there !== undefined) return keyOf(there, path)
    const { generateDeviceKey } = await import('../wire/device-certificate.ts')
    const made = await generateDeviceKey()
    await writeSecretFile(path, made)
    return keyOf((await readSecretFile(path)) ?? made, path)
  }

  /** Undefined when there is none that can be read. */
  async certified(): Promise<Certified | undefined> {
    const text = await readSecretFile(this.#certifiedPath)
    if (text === undefined) return undefined
    try {
      return certifiedIn(JSON.parse(text))
    } catch {
      return undefined // the portal gives another one
    }
  }

  async keep(certified: Certified): Promise<void> {
    await writeSecretFile(this.#certifiedPath, `${JSON.stringify(certified)}\n`)
  }

  /** The API token of a device that was enrolled by a code. */
  async token(): Promise<string | undefined> {
    return (await readSecretFile(join(this.folder, 'token')))?.trim()
  }

  async keepToken(token: string): Promise<void> {
    await writeSecretFile(join(this.folder, 'token'), `${token}\n`)
  }

  get #certifiedPath(): string {
    return join(this.folder, 'certificate.json')
  }
}

function keyOf(key: string, path: string): DeviceKey {
  try {
    return { device: deviceIdOf(createPublicKey(createPrivateKey(key))), key }
  } catch (cause) {
    throw new ShoalError(
      'bad-input',
      `${quote(path)} holds no key: remove it, and this machine enrols as a new device`,
      { cause },
    )
  }
}

/** By hand and not by zod: `shoal get` loads this file before its first announce. */
function certifiedIn(value: unknown): Certified | undefined {
  if (typeof value !== 'object' || value === null || !('certificate' in value) || !('ca' in value))
    return undefined
  const { certificate, ca } = value
  return typeof certificate === 'string' && typeof ca === 'string' ? { certificate, ca } : undefined
}
