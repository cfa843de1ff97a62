/** Whose link is it, and does it name only hosts that its portal answers for? Pure; the client acts on it. */
import { hostPortOf } from './foreign-url.ts'
import type { KeyDocument } from './keys.ts'
import type { Magnet } from './magnet.ts'

/** The origin of the first `xs`, such as `https://media.example.com`; undefined when there is none. */
export function portalOfMagnet(magnet: Magnet): string | undefined {
  const [source] = magnet.exactSources
  return source === undefined ? undefined : new URL(source).origin
}

/**
 * `host:port` of every `tr`, `xs` and `ws` that is neither the portal's own nor declared in its key document,
 * each once. Empty: the link stays within the portal. A declared host without a port stands for 80 and 443.
 */
export function undeclaredHosts(magnet: Magnet, declared: KeyDocument): string[] {
  const known = hostsOfPortal(declared)
  const named = [...magnet.trackers, ...magnet.exactSources, ...magnet.webSeeds].map(hostPortOf)
  return [...new Set(named)].filter((host) => !known.has(host))
}

/** `host:port` of the portal itself and of each host that it declares. */
export function hostsOfPortal(declared: KeyDocument): ReadonlySet<string> {
  return new Set([hostPortOf(declared.portal), ...declared.hosts.flatMap(hostPortsOf)])
}

function hostPortsOf(declared: string): string[] {
  const host = declared.toLowerCase()
  return /:\d+$/.test(host) ? [host] : [`${host}:80`, `${host}:443`]
}
