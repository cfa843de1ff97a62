/** Names, addresses and times as they stand in the portal's REST API: what `api.ts` is made of. */
import { z } from 'zod'
import { ipAddress } from '../core/address.ts'
import { deviceId, grantId, infoHash, peerId, releaseName, slug } from '../core/ids.ts'

/** A zod string that a constructor of `core` turns into its type, with the constructor's own sentence. */
function checked<T extends string>(make: (text: string) => T, description: string) {
  return z
    .string()
    .max(256)
    .transform((text, context): T => {
      try {
        return make(text)
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not valid' })
        return z.NEVER
      }
    })
    .meta({ description, override: { type: 'string' } })
}

/** Text that can be written anywhere: half a surrogate pair, which no URL and no UTF-8 can hold, becomes U+FFFD. */
export const zText = z.string().overwrite((text) => text.toWellFormed())

export const zInfoHash = checked(infoHash, 'SHA-1 of the info bytes, 40 hex digits')
export const zSlug = checked(slug, "the bundle's name in URLs: a-z, 0-9 and single hyphens")
export const zReleaseName = checked(releaseName, 'letters, digits, ".", "_" and "-", at most 64')
export const zGrantId = checked(grantId, 'id of a grant, 16 characters')
export const zDeviceId = checked(deviceId, 'id of a device, 22 characters')
export const zPeerId = checked(peerId, '20 bytes as 40 hex digits')
export const zIpAddress = checked(ipAddress, 'a literal IP address')
export const zTime = z.iso.datetime().meta({ description: 'ISO 8601, UTC' })
