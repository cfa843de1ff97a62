import { deviceId } from '../../core/ids.ts'
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
