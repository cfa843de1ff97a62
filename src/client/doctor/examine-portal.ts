/** Asks a portal from here: does it answer, is its certificate good, what time is it there? */
import { connect, getCACertificates } from 'node:tls'
import type { IpAddress } from '../../core/address.ts'
import { messageOf, systemCode } from '../../core/errors.ts'
import { KiB, seconds, type EpochMillis } from '../../core/units.ts'
import { requestHttp, type HttpReply } from '../../portal-client/index.ts'
import type { PortalFacts } from './facts.ts'

const TIMEOUT = seconds(10)
/** Codes of OpenSSL and of Node for a certificate that does not verify. */
const TLS_FAULT =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT|UNABLE_TO_|HOSTNAME_MISMATCH$)/

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
      ...(origin.protocol === 'https:' && { isTrustedBySystem: await isTrustedBySystem(origin) }),
    }
  } catch (error) {
    signal.throwIfAborted()
    const code = systemCode(error instanceof Error ? error.cause : undefined)
    return {
      url: origin.origin,
      answer: 'none',
      reason: messageOf(error),
      ...(code !== undefined && TLS_FAULT.test(code) && { tlsFault: code }),
    }
  }
}

/** With the system's certificates alone: what is in `NODE_EXTRA_CA_CERTS` no stock client has. */
function isTrustedBySystem(url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isName = !/^[\d.]+$|:/.test(host)
    const socket = connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ca: getCACertificates('system'),
      ...(isName && { servername: host }),
    })
    socket.setTimeout(TIMEOUT)
    const settle = (isTrusted: boolean): void => {
      socket.destroy()
      resolve(isTrusted)
    }
    socket.on('secureConnect', () => {
      settle(socket.authorized)
    })
    socket.on('error', () => {
      settle(false)
    })
    socket.on('timeout', () => {
      settle(false)
    })
  })
}
