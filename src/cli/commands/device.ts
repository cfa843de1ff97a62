import { ShoalError } from '../../core/errors.ts'
import { deviceId } from '../../core/ids.ts'
import type { Millis } from '../../core/units.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { PortalClient } from '../../portal-client/index.ts'
import { enrolByCode } from '../own-device.ts'
import type { Context } from '../context.ts'
import { table } from '../text.ts'

/** `shoal device list`. */
export async function listDevices(context: Context): Promise<void> {
  const client = await context.client()
  const { items } = await client.devices()
  for (const item of items) context.output.event({ event: 'device', ...item })
  const rows = items.map((d) => [
    d.device,
    d.name,
    d.user,
    d.isOrigin ? 'origin' : '',
    d.revokedAt === null ? `until ${d.certifiedUntil}` : 'revoked',
  ])
  for (const line of table(['id', 'name', 'user', '', 'certified'], rows)) context.output.line(line)
}

/** `shoal device revoke ID`. */
export async function revokeDevice(context: Context, id: string): Promise<void> {
  const client = await context.client()
  await client.revokeDevice(deviceId(id))
  context.output.event({ event: 'device-revoked', device: id })
  context.output.line(`device ${id} is revoked: our origins and clients drop it within seconds`)
}

interface CodeOptions {
  readonly user: string
  readonly group: readonly string[]
  readonly expires?: Millis
}

/** `shoal device code --user NAME`: shown once, since only its hash is kept. */
export async function deviceCode(context: Context, given: object): Promise<void> {
  const { user, group, expires } = given as CodeOptions
  const client = await context.client()
  const made = await client.createDeviceCode({
    user,
    groups: [...group],
    ...(expires === undefined ? {} : { expiresInSeconds: Math.round(expires / 1_000) }),
  })
  context.output.event({ event: 'device-code', user, ...made })
  context.output.line(`shoal device enrol --code ${made.code} --portal ${client.origin}`)
}

/** `shoal device enrol --code CODE`: this machine, without any token. */
export async function enrolDevice(context: Context, given: object): Promise<void> {
  const { code } = given as { code: string }
  if (!/^[A-Za-z0-9-]{1,32}$/.test(code)) throw new ShoalError('bad-usage', 'that is no code')
  const client = new PortalClient({ baseUrl: await context.portalUrl(), code })
  const signal = untilStopped({ forcedExitCode: 5 })
  const device = await enrolByCode(context, { client, log: await context.quietLog() }, signal)
  context.output.event({ event: 'enrolled', device, portal: client.origin })
  context.output.line(`this machine is device ${device} of ${client.origin}`)
}
