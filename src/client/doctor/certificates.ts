/** Certificates: which errors are theirs, and whether what stock clients trust would do. */
import { connect, getCACertificates } from 'node:tls'
import type { IpAddress } from '../../core/address.ts'
import { systemCode } from '../../core/errors.ts'
import { seconds } from '../../core/units.ts'

const TIMEOUT = seconds(10)
/** Codes of OpenSSL and of Node for a certificate that does not verify. */
const TLS_FAULT =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_CA$)/

/** The certificate's fault as OpenSSL names it, when that is the cause of this error of ours. */
export function tlsFaultOf(error: unknown): string | undefined {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = systemCode(cause)
  return code !== undefined && TLS_FAULT.test(code) ? code : undefined
}

/**
 * With the system's certificates alone: what is in `NODE_EXTRA_CA_CERTS` no stock client has. Undefined of what is no
 * https, and when something else than the certificate kept us from knowing.
 */
export function isTrustedBySystem(url: URL, localAddress?: IpAddress): Promise<boolean | undefined> {
  if (url.protocol !== 'https:') return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isName = !/^[\d.]+$|:/.test(host)
    const socket = connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ca: getCACertificates('system'),
      ...(isName && { servername: host }),
      ...(localAddress !== undefined && { localAddress }),
    })
    socket.setTimeout(TIMEOUT)
    const settle = (isTrusted: boolean | undefined): void => {
      socket.destroy()
      resolve(isTrusted)
    }
    socket.on('secureConnect', () => {
      settle(true)
    })
    socket.on('error', (error) => {
      settle(tlsFaultOf(error) === undefined ? undefined : false)
    })
    socket.on('timeout', () => {
      settle(undefined)
    })
  })
}
