import type { GrantKeyInfo } from '../../wire/api.ts'
import type { Context } from '../context.ts'
import { table } from '../text.ts'

/** `shoal key list`. */
export async function listKeys(context: Context): Promise<void> {
  show(context, await (await context.client()).grantKeys())
}

/** `shoal key rotate`: links that are out stay good. */
export async function rotateKeys(context: Context): Promise<void> {
  show(context, await (await context.client()).rotateGrantKeys())
}

/** `shoal key retire KID`: links that this key signed end. */
export async function retireKey(context: Context, kid: string): Promise<void> {
  const keys = await (await context.client()).retireGrantKey(kid)
  context.output.event({ event: 'key-retired', kid })
  context.output.line(`key ${kid} is retired: every grant that it signed is refused`)
  show(context, keys)
}

function show(context: Context, keys: readonly GrantKeyInfo[]): void {
  for (const key of keys) context.output.event({ event: 'key', ...key })
  const rows = keys.map(({ kid, state, signingSince }) => [kid, state, signingSince ?? '-'])
  for (const line of table(['key', 'state', 'signs since'], rows)) context.output.line(line)
}
