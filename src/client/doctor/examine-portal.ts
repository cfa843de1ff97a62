/** Asks a portal from here: does it answer, is its certificate good, what time is it there? */
import type { IpAddress } from '../../core/address.ts'
import { messageOf } from '../../core/errors.ts'
import { KiB, seconds, type EpochMillis } from '../../core/units.ts'
import { requestHttp, type HttpReply } from '../../portal-client/index.ts'
import { isTrustedBySystem, tlsFaultOf } from './certificates.ts'
import type { PortalFacts } from './facts.ts'

const TIMEOUT = seconds(10)

export async function examinePortal(
  url: string,
  now: () => EpochMillis,
  signal: AbortSignal,
  localAddress?: IpAddress,
): Promise<PortalFacts> {
  const origin = new URL(url)
  const ask = (path: string): Promise<HttpReply> =>
    requestHttp(
      new URL(path, origin),
      {
        method: 'GET',
        replyBytesMax: 64 * KiB,
        timeout: TIMEOUT,
        ...(localAddress !== undefined && { localAddress }),
      },
      signal,
    )
  try {
    const keys = await ask('/.well-known/jwks.json')
    const isShoal = keys.status === 200 && Buffer.from(keys.body).includes('"keys"')
    const theirs = Date.parse(keys.headers.date ?? '')
    return {
      url: origin.origin,
      answer: isShoal ? 'shoal' : 'other',
      ...(Number.isNaN(theirs) ? {} : { clockAheadMs: theirs - now() }),
      isTrustedBySystem: await isTrustedBySystem(origin, localAddress),
    }
  } catch (error) {
    signal.throwIfAborted()
    const tlsFault = tlsFaultOf(error)
    return {
      url: origin.origin,
      answer: 'none',
      reason: messageOf(error),
      ...(tlsFault !== undefined && { tlsFault }),
    }
  }
}
