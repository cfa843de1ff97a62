/** Under which address this machine is known to others. */
import { networkInterfaces } from 'node:os'
import { formatEndpoint, ipAddress, tryIpAddress, type IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'

const ANY: readonly string[] = ['0.0.0.0', '::', '']

/** The first address of this machine that others can reach: IPv4 before IPv6, loopback only if there is none. */
export function firstAddress(): IpAddress {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const outside = all.filter((a) => !a.internal && !/^(?:fe80:|169\.254\.)/i.test(a.address))
  const best = outside.find((a) => a.family === 'IPv4') ?? outside[0]
  return ipAddress(best?.address ?? '127.0.0.1')
}

/** `--public-url`, else from where we listen. Never from a `Host` header. @throws ShoalError `bad-usage`. */
export function publicUrlOf(
  asked: string | undefined,
  listen: { readonly host: string; readonly port: number },
  scheme: 'http' | 'https' = 'http',
): string {
  if (asked !== undefined) {
    const url = URL.canParse(asked) ? new URL(asked) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '') {
      throw new ShoalError(
        'bad-usage',
        `--public-url ${JSON.stringify(asked.slice(0, 120))} is not like https://media.example.com`,
      )
    }
    return url.origin
  }
  const host = ANY.includes(listen.host) ? firstAddress() : listen.host
  return `${scheme}://${formatEndpoint({ host, port: listen.port })}`
}

/** The address at which peers reach our peer port: as asked, else that of the public URL, else the first. */
export function peerAddressOf(asked: IpAddress | undefined, publicUrl: string): IpAddress {
  if (asked !== undefined) return asked
  const host = new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')
  return tryIpAddress(host) ?? firstAddress()
}

/** The URL at which this machine itself reaches a listener. */
export function localUrlOf(
  listen: { readonly host: string; readonly port: number },
  scheme: 'http' | 'https' = 'http',
): string {
  const host = ANY.includes(listen.host) ? '127.0.0.1' : listen.host
  return `${scheme}://${formatEndpoint({ host, port: listen.port })}`
}
