/**
 * The portal's small CA: it certifies devices, and nothing else. `DATA/keys/device-ca.json`, readable by this user
 * only; the certificate is also in the key document, signed by the portal key, so that who trusts the one trusts
 * the other.
 */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { addMillis, hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { readCertificate } from '../../wire/certified-device.ts'
import type { DeviceCa } from '../../wire/device-certificate.ts'
import { limits } from '../../wire/limits.ts'
import type { Database } from '../database/tables.ts'
import type { KeyFiles } from './key-files.ts'

const NAME = 'device-ca.json'
/** All devices enrol again when it ends; long before, somebody has made a new portal. */
const LIFE = hours(20 * 365 * 24)

const zStored = z.strictObject({
  key: z.string().max(limits.certificateCharsMax),
  certificate: z.string().max(limits.certificateCharsMax),
})

export interface DeviceCaParts {
  readonly db: Database
  readonly clock: Clock
  readonly files: KeyFiles
  /** The portal's origin: stands in the certificate, for those who look at it. */
  readonly portal: string
}

/**
 * Loads it, or makes it at the first start.
 * @throws ShoalError `unavailable` when it cannot be read, or is missing although it has certified devices.
 */
export async function openDeviceCa({ db, clock, files, portal }: DeviceCaParts): Promise<DeviceCa> {
  const text = await files.readText(NAME)
  if (text !== undefined) return parse(text)
  const device = await db.selectFrom('devices').select('id').limit(1).executeTakeFirst()
  if (device !== undefined)
    throw new ShoalError('unavailable', `keys/${NAME} is missing: restore it from a backup`)
  const { generateCa } = await import('../../wire/device-certificate.ts')
  const now = clock.epoch()
  const ca = await generateCa(portal, now, addMillis(now, LIFE))
  await files.writeText(NAME, `${JSON.stringify(ca)}\n`)
  return ca
}

function parse(text: string): DeviceCa {
  try {
    const ca = zStored.parse(JSON.parse(text))
    readCertificate(ca.certificate)
    return ca
  } catch (cause) {
    throw new ShoalError('unavailable', `keys/${NAME} holds no CA: restore it from a backup`, { cause })
  }
}
