/** A feed as RSS 2.0 with torrents as enclosures (BEP 36). Pure. */
import { generateRssFeed } from 'feedsmith'
import type { Bundle } from '../../wire/api.ts'

/** What XML 1.0 has no way to write. */
// eslint-disable-next-line no-control-regex
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

export interface FeedPlace {
  readonly publicUrl: string
  /** Of the feed itself, with its secret. */
  readonly feedUrl: string
}

/** Of each bundle its newest live release, if stock clients may have it. */
export function feedXml(bundles: readonly Bundle[], { publicUrl, feedUrl }: FeedPlace): string {
  const items = bundles.flatMap(({ bundle, title, description, latest }) => {
    if (latest === null || latest.admit !== 'any') return []
    const words = [description, latest.notes].filter((text) => text !== '').join('\n\n')
    return [
      {
        title: writable(`${title} (${latest.name})`),
        link: `${publicUrl}/bundles/${bundle}`,
        description: writable(words === '' ? title : words),
        pubDate: new Date(latest.publishedAt),
        guid: { value: latest.infohash, isPermaLink: false },
        enclosures: [
          {
            url: `${feedUrl}/${bundle}@${encodeURIComponent(latest.name)}.torrent`,
            // of the content, by which clients show how much it will be
            length: latest.sizeBytes,
            type: 'application/x-bittorrent',
          },
        ],
      },
    ]
  })
  return generateRssFeed({
    title: 'Shoal',
    link: publicUrl,
    description: 'What is new for you',
    ttl: 15,
    items,
  })
}

const writable = (text: string): string => text.replaceAll(UNWRITABLE, ' ')
