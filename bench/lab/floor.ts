/**
 * What one bare TCP stream needs for the content from the origin to one host, process start included: no swarm can
 * be expected to do better over the same links.
 */
import type { Host } from '../../test/support/namespaces.ts'
import { startOn } from '../../test/support/namespaces.ts'

const END = new URL('./floor-end.ts', import.meta.url).pathname
const PORT = 9_000

export async function floorSeconds(
  from: Host,
  to: Host,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<number> {
  const at = [to.address, String(PORT), String(sizeBytes)]
  const startedAt = performance.now()
  await using receiver = startOn(to, { argv: [process.execPath, END, 'receive', ...at] })
  await receiver.untilLine((line) => line === 'ready' || undefined, signal)
  await using sender = startOn(from, { argv: [process.execPath, END, 'send', ...at] })
  await receiver.untilLine((line) => line === 'done' || undefined, signal)
  await sender.exited
  return (performance.now() - startedAt) / 1_000
}
