/** The parts of create-torrent 6 and parse-torrent 11 that the tests use; the packages bring no types. */
declare module 'create-torrent' {
  interface Options {
    readonly name: string
    readonly private: boolean
    readonly pieceLength: number
    readonly announceList: readonly (readonly string[])[]
  }
  export default function createTorrent(
    input: string | readonly (NodeJS.ReadableStream & { readonly name: string; readonly fullPath: string })[],
    options: Options,
    done: (error: Error | null, torrent: Uint8Array) => void,
  ): void
}

declare module 'parse-torrent' {
  export interface ParsedTorrent {
    readonly infoHash: string
    readonly name?: string
    readonly length?: number
    readonly pieceLength?: number
    readonly private?: boolean
    readonly createdBy?: string
    readonly announce: readonly string[]
    readonly urlList: readonly string[]
    readonly files?: readonly { readonly path: string; readonly length: number }[]
    readonly pieces?: readonly string[]
    /** Of magnets: raw parameters. */
    readonly xs?: string
    readonly xl?: string
    readonly so?: readonly number[]
  }
  export default function parseTorrent(torrentOrMagnet: Uint8Array | string): Promise<ParsedTorrent>
  export function toMagnetURI(magnet: {
    readonly infoHash: string
    readonly name: string
    readonly announce: readonly string[]
    readonly urlList: readonly string[]
  }): string
}
