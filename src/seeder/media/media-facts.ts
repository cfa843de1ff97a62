/**
 * What a file has as video or sound, as a publisher wants to know it: how long it is, whether browsers play it, and what
 * is the matter with it in a sentence each. Reading is a thread's (`media-thread.ts`), judging is `judge-media.ts`.
 */
import { kindOfName } from '../../core/kinds.ts'
import { judgeMedia } from './judge-media.ts'
import { MediaThread } from './media-thread.ts'

export interface MediaFacts {
  readonly kind: 'video' | 'audio'
  /** Absent when it is not in the file and cannot be found out within bounds. */
  readonly durationSeconds?: number
  /** From the file's tags. */
  readonly title?: string
  /** As it is shown: after rotation and with square pixels. */
  readonly widthPx?: number
  readonly heightPx?: number
  /** `avc`, `hevc`, `vp9`, `av1`, `vp8`, `prores`; absent for one that we do not know. */
  readonly videoCodec?: string
  readonly audioCodec?: string
  /** Of MP4 and its kin: the description (moov) comes before the media (mdat), so that it plays while it arrives. */
  readonly isFaststart?: boolean
  readonly playsInBrowsers: boolean
  /** Sentences for the publisher. */
  readonly warnings: readonly string[]
}

/**
 * Of one file; undefined when it is no media file that we can read. Never throws for what it finds: bounded in time,
 * bytes read and memory, and none of it on the event loop. One that is called like something else (`.pdf`) is not read.
 * @throws the signal's reason when it is aborted.
 */
export async function readMedia(path: string, signal?: AbortSignal): Promise<MediaFacts | undefined> {
  await using thread = new MediaThread()
  return await factsOf(thread, path, signal)
}

/** As {@link readMedia}, for one file of many: the thread is the caller's. */
export async function factsOf(
  thread: MediaThread,
  path: string,
  signal?: AbortSignal,
): Promise<MediaFacts | undefined> {
  signal?.throwIfAborted()
  if (!mayBeMedia(path)) return undefined
  const found = await thread.read(path, signal)
  return found && judgeMedia(found)
}

/** What has no ending that we know may be anything: uploads under way have none. */
function mayBeMedia(path: string): boolean {
  const kind = kindOfName(path)
  return kind === 'video' || kind === 'audio' || kind === 'other'
}
