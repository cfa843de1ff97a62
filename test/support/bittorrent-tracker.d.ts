/** The part of bittorrent-tracker 11 that the tests use; the package brings no types. */
declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events'

  /** A connection under way; a stream once it has connected. */
  export interface TrackerPeer extends EventEmitter {
    send(text: string): void
    destroy(): void
  }
  interface ClientOptions {
    readonly infoHash: string
    readonly peerId: string
    readonly announce: readonly string[]
    /** Demanded of all, and told only to trackers over HTTP and UDP. */
    readonly port: number
    readonly rtcConfig?: object
    readonly getAnnounceOpts?: () => object
  }
  export default class Client extends (EventEmitter as new () => EventEmitter) {
    constructor(options: ClientOptions)
    start(options?: object): void
    update(options?: object): void
    scrape(options?: object): void
    stop(options?: object): void
    destroy(): void
  }
}
