/** The part of webtorrent 3 that the tests use; the package brings no types. */
declare module 'webtorrent' {
  import type { EventEmitter } from 'node:events'

  interface Torrent extends EventEmitter {
    readonly done: boolean
    readonly numPeers: number
    readonly discovery?: { readonly tracker?: { update(): void } }
  }
  interface Options {
    readonly dht?: boolean
    readonly lsd?: boolean
    readonly utPex?: boolean
    readonly utp?: boolean
    readonly natUpnp?: boolean
    readonly natPmp?: boolean
    readonly torrentPort?: number
    readonly secure?: boolean
  }
  export default class WebTorrent {
    constructor(options: Options)
    on(event: 'error', listener: (error: Error) => void): this
    add(source: string | Uint8Array, options: { readonly path: string }): Torrent
    destroy(done: () => void): void
  }
}
