/** What a stock client is given to begin with. */
export type Source =
  | { readonly torrentFile: string }
  | { readonly magnet: string }
  /** It subscribes, and fetches whatever the feed names: qBittorrent only. */
  | { readonly feed: string }

/** The magnet, or the path of the .torrent. */
export function linkIn(source: Source): string {
  if ('magnet' in source) return source.magnet
  if ('torrentFile' in source) return source.torrentFile
  throw new Error('this client does not subscribe to feeds')
}
