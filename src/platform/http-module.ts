/**
 * `node:http` and `node:https` for asking, without their price: an `import` of `node:http` from a module reads
 * all its exports, `WebSocket` among them, and so loads a whole HTTP client that nobody uses (75 ms of CPU).
 */
import type * as Http from 'node:http'

/** The module whose `request` suits the URL: `https:`, else plain HTTP. */
export function httpModuleFor(url: URL): Pick<typeof Http, 'request'> {
  return process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
}
