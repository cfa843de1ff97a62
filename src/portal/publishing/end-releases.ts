/** Releases that were published until a time: they are recalled when it has come. */
import type { Services } from '../services.ts'

export async function endReleases({ catalogue }: Services): Promise<void> {
  for (const infohash of await catalogue.expired()) {
    const release = await catalogue.releaseOf(infohash)
    const reason = `it was published until ${release?.expiresAt ?? 'now'}`
    await catalogue.happen(infohash, { kind: 'recalled', reason }, release?.publishedBy ?? 'portal')
  }
}
