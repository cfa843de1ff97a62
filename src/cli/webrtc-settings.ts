/** What pages that are watched and the gateway share; the table is its manual. */
import type { Setting } from '../platform/config.ts'
import { iceServers, type IceServer } from '../wire/ice-servers.ts'

export const webrtcSettings = {
  iceServers: {
    parse: iceServers,
    fallback: [],
    fallbackText: 'none',
    help:
      "The company's own STUN and TURN servers for pages that watch and for the gateway, at most four, separated by " +
      'commas: `stun:HOST[:PORT]`, `turn:USER:CREDENTIAL@HOST[:PORT]`, percent-encoded where a user or credential has ' +
      'other characters than letters and digits. Within one routed network none is needed, and no server of anybody ' +
      'else is ever asked. Everybody who watches is told the credential.',
  } satisfies Setting<readonly IceServer[]>,
}
