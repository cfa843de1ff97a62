/** The shapes of the portal's REST API (`api.ts`) that are about devices, their certificates and their permits. */
import { z } from 'zod'
import { zDeviceId, zGrantId, zTime } from './api.ts'
import { limits } from './limits.ts'

/** `request`: PKCS #10, PEM, of an ECDSA P-256 key and signed by it. The same key again: a fresh certificate. */
export const zEnrolment = z.strictObject({
  request: z.string().min(1).max(limits.certificateCharsMax),
  /** What people call it. */
  name: z
    .string()
    .overwrite((text) => text.toWellFormed())
    .trim()
    .min(1)
    .max(limits.deviceNameCharsMax),
})
export type Enrolment = z.input<typeof zEnrolment>

export const zDevice = z.object({
  device: zDeviceId,
  name: z.string(),
  user: z.string(),
  /** An origin's: it may have every release. */
  isOrigin: z.boolean(),
  enrolledAt: zTime,
  /** Until when its newest certificate is good. */
  certifiedUntil: zTime,
  revokedAt: zTime.nullable(),
})
export type Device = z.infer<typeof zDevice>
export const zDeviceList = z.object({ items: z.array(zDevice) })

/** PEM, both. `token`: for who enrolled by a code, the API token of the device; shown this once. */
export const zEnrolled = z.object({
  device: zDevice,
  certificate: z.string().max(limits.certificateCharsMax),
  ca: z.string().max(limits.certificateCharsMax),
  token: z.string().optional(),
})
export type Enrolled = z.infer<typeof zEnrolled>

/** A permit goes with a grant, and ends with it. */
export const zPermitRequest = z.strictObject({ grant: zGrantId, device: zDeviceId })
export const zPermit = z.object({ permit: z.string().max(limits.permitCharsMax), expiresAt: zTime })
export type PermitReply = z.infer<typeof zPermit>

/** A code for one machine of this account: it fetches as that account may, and as a viewer. */
export const zNewDeviceCode = z.strictObject({
  user: z
    .string()
    .overwrite((text) => text.toWellFormed())
    .trim()
    .min(1)
    .max(64),
  groups: z.array(z.string().trim().min(1).max(64)).max(64).default([]),
  expiresInSeconds: z
    .number()
    .int()
    .min(60)
    .max(24 * 3_600)
    .default(15 * 60),
})
export type NewDeviceCode = z.input<typeof zNewDeviceCode>
export const zDeviceCode = z.object({ code: z.string(), expiresAt: zTime })
