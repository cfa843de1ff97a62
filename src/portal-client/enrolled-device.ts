/**
 * This machine as a device of a portal: its key, and a certificate that is asked for when it is first needed and
 * renewed at 80 % of its life for as long as the process runs.
 */
import { hostname } from 'node:os'
import { messageOf, ShoalError } from '../core/errors.ts'
import type { DeviceId } from '../core/ids.ts'
import { hours, millis, minutes, type Millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { certifiedDevice, type DeviceIdentity, readCertificate } from '../wire/certified-device.ts'
import type { PublicKey } from '../wire/keys.ts'
import { limits } from '../wire/limits.ts'
import { type Certified, DeviceFiles } from './device-files.ts'
import type { PortalClient } from './portal-client.ts'

export interface EnrolledDeviceParts {
  readonly client: Pick<PortalClient, 'origin' | 'jwks' | 'enrol'>
  /** The portal's, as it is trusted: the CA is believed because this key signed for it. */
  readonly portalKey: PublicKey
  readonly clock: Clock
  readonly log: Logger
  readonly dataDir: string
  /** For an origin's token: the certificate must say so. */
  readonly isOrigin?: boolean
  /** Asks for a certificate even where a good one is there. */
  readonly isAnew?: boolean
  /** What people call it; the machine's own name when absent. */
  readonly name?: string
}

const RENEW_AT = 0.8
const RETRY_AFTER = minutes(30)
/** Timers stand still while a laptop sleeps: look at the date again at least so often. */
const LOOK_EVERY = hours(6)

export class EnrolledDevice implements Disposable {
  readonly #parts: EnrolledDeviceParts
  readonly #files: DeviceFiles
  readonly #ca: string
  #identity: DeviceIdentity
  #timer: Timer | undefined
  readonly #stop = new AbortController()

  private constructor(parts: EnrolledDeviceParts, files: DeviceFiles, identity: DeviceIdentity) {
    this.#parts = parts
    this.#files = files
    this.#ca = identity.ca
    this.#identity = identity
    this.#wait(this.#dueIn())
  }

  /**
   * Resolves with a good certificate, from the disk or from the portal.
   * @throws ShoalError `not-granted` when the device was revoked, `unavailable` when the portal does not answer or
   *   certifies no devices.
   */
  static async open(parts: EnrolledDeviceParts, signal?: AbortSignal): Promise<EnrolledDevice> {
    const { portal, ca } = await deviceCaOf(parts, signal)
    const files = new DeviceFiles(parts.dataDir, portal)
    const { device, key } = await files.key()
    const there = await files.certified()
    const isGood =
      parts.isAnew !== true && there !== undefined && there.ca === ca && isFresh(parts, there, device)
    const { certificate } = isGood ? there : await enrol(parts, { files, key, device, ca }, signal)
    return new EnrolledDevice(parts, files, { device, key, certificate, ca })
  }

  get id(): DeviceId {
    return this.#identity.device
  }

  /** The newest. */
  get identity(): DeviceIdentity {
    return this.#identity
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
    this.#timer?.cancel()
  }

  #dueIn(): Millis {
    const { validFromDate, validToDate } = readCertificate(this.#identity.certificate)
    const from = validFromDate.getTime()
    const dueAt = from + RENEW_AT * (validToDate.getTime() - from)
    return millis(Math.max(0, dueAt - this.#parts.clock.epoch()))
  }

  #wait(delay: Millis): void {
    if (this.#stop.signal.aborted) return
    this.#timer = this.#parts.clock.after(millis(Math.min(delay, LOOK_EVERY)), () => {
      if (delay > LOOK_EVERY) this.#wait(this.#dueIn())
      else void this.#renew()
    })
  }

  async #renew(): Promise<void> {
    const { device, key } = this.#identity
    try {
      const wanted = { files: this.#files, key, device, ca: this.#ca }
      const { certificate } = await enrol(this.#parts, wanted, this.#stop.signal)
      this.#identity = { ...this.#identity, certificate }
      this.#wait(millis(Math.max(this.#dueIn(), RETRY_AFTER)))
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#parts.log.warn(`the certificate of this device was not renewed: ${messageOf(error)}`)
      this.#wait(RETRY_AFTER)
    }
  }
}

/** @throws ShoalError `not-granted` when the portal's key did not sign for it. */
async function deviceCaOf(
  { client, portalKey }: EnrolledDeviceParts,
  signal?: AbortSignal,
): Promise<{ portal: string; ca: string }> {
  const { openJwks } = await import('../wire/key-document.ts')
  const { document } = await openJwks(await client.jwks(signal), portalKey)
  if (document.deviceCa === undefined)
    throw new ShoalError(
      'unavailable',
      `the portal at ${client.origin} certifies no devices: it is older than this version`,
    )
  return { portal: document.portal, ca: document.deviceCa }
}

function isFresh(parts: EnrolledDeviceParts, { certificate, ca }: Certified, device: DeviceId): boolean {
  try {
    const read = readCertificate(certificate)
    const now = parts.clock.epoch()
    const { device: certified, isOrigin, certifiedUntil } = certifiedDevice(read, readCertificate(ca), now)
    const from = read.validFromDate.getTime()
    const isYoung = now < from + RENEW_AT * (certifiedUntil - from)
    return isYoung && certified === device && isOrigin === (parts.isOrigin ?? false)
  } catch {
    return false
  }
}

interface Wanted {
  readonly files: DeviceFiles
  readonly key: string
  readonly device: DeviceId
  readonly ca: string
}

async function enrol(
  parts: EnrolledDeviceParts,
  { files, key, device, ca }: Wanted,
  signal?: AbortSignal,
): Promise<Certified> {
  const { requestCertificate } = await import('../wire/device-certificate.ts')
  const name = (parts.name ?? hostname()).slice(0, limits.deviceNameCharsMax)
  const enrolled = await parts.client.enrol({ request: await requestCertificate(key), name }, signal)
  const certified = { certificate: enrolled.certificate, ca }
  if (enrolled.device.device !== device || !isFresh(parts, certified, device))
    throw new ShoalError(
      'unavailable',
      `the portal at ${parts.client.origin} gave a certificate that is not good`,
    )
  await files.keep(certified)
  if (enrolled.token !== undefined) await files.keepToken(enrolled.token)
  return certified
}
