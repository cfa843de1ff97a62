/** What a release has as media: of all of its files, and the one that stands for it. */
import { join } from 'node:path'
import { kindOfName } from '../../core/kinds.ts'
import { mediaLimits } from '../../wire/limits-media.ts'
import type { ReleasePlan } from '../plan-release.ts'
import type { FileStamp } from '../walk.ts'
import { factsOf, type MediaFacts } from './media-facts.ts'
import { MediaThread } from './media-thread.ts'

export interface ReleaseMedia {
  /** The largest video that browsers play, else the largest video, else the largest sound: where a poster is taken from. */
  readonly main: MediaFile
  readonly kind: 'video' | 'audio'
  /** Of all media files together; absent when one of them does not say, or there are too many to read. */
  readonly durationSeconds?: number
  /** True when browsers play all of them. */
  readonly playsInBrowsers: boolean
  /** Names of files whose description stands at their end: it may be moved to the front. */
  readonly mendable: readonly string[]
  /** For the publisher; with the name of the file where there are several. */
  readonly warnings: readonly string[]
}

export interface MediaFile {
  /** On this machine. */
  readonly path: string
  readonly facts: MediaFacts
}

/** Where a release lies, as plans and records of releases say it. */
export type LaidOut = Pick<ReleasePlan, 'contentFolder' | 'name' | 'files'>

/** Files of one release that are read: a course of so many lessons takes ten seconds. */
const FILES_MAX = 200

/**
 * Undefined when there is no media in it that we can read. Never throws for what it finds.
 * @throws the signal's reason when it is aborted.
 */
export async function mediaOfRelease(plan: LaidOut, signal?: AbortSignal): Promise<ReleaseMedia | undefined> {
  const named = plan.files.filter((file) => isMediaName(nameIn(plan, file)))
  if (named.length === 0) return undefined
  const largestFirst = named.toSorted((a, b) => b.sizeBytes - a.sizeBytes)
  await using thread = new MediaThread()
  const read: (MediaFile & { readonly name: string })[] = []
  for (const file of largestFirst.slice(0, FILES_MAX)) {
    const path = join(plan.contentFolder, plan.name, file.path)
    const facts = await factsOf(thread, path, signal)
    if (facts !== undefined) read.push({ path, facts, name: nameIn(plan, file) })
  }
  const main = mainOf(read)
  if (main === undefined) return undefined
  const isAll = read.length === named.length && read.every(({ facts }) => facts.durationSeconds !== undefined)
  return {
    main: { path: main.path, facts: main.facts },
    kind: main.facts.kind,
    ...(isAll
      ? { durationSeconds: read.reduce((sum, { facts }) => sum + (facts.durationSeconds ?? 0), 0) }
      : {}),
    playsInBrowsers: read.every(({ facts }) => facts.playsInBrowsers),
    mendable: read.filter(({ facts }) => facts.isFaststart === false).map(({ name }) => name),
    warnings: warningsOf(read),
  }
}

/** Whether it may have media in it, by the names of its files. */
export const hasMediaNames = (plan: LaidOut): boolean =>
  plan.files.some((file) => isMediaName(nameIn(plan, file)))

const nameIn = (plan: LaidOut, file: FileStamp): string => (file.path === '' ? plan.name : file.path)

function isMediaName(name: string): boolean {
  const kind = kindOfName(name)
  return kind === 'video' || kind === 'audio'
}

function mainOf<F extends MediaFile>(largestFirst: readonly F[]): F | undefined {
  return (
    largestFirst.find(({ facts }) => facts.kind === 'video' && facts.playsInBrowsers) ??
    largestFirst.find(({ facts }) => facts.kind === 'video') ??
    largestFirst[0]
  )
}

function warningsOf(read: readonly (MediaFile & { readonly name: string })[]): string[] {
  const all = read.flatMap(({ facts, name }) =>
    facts.warnings.map((sentence) => (read.length === 1 ? sentence : `${name}: ${sentence}`)),
  )
  return all
    .slice(0, mediaLimits.mediaWarningsMax)
    .map((sentence) => sentence.slice(0, mediaLimits.mediaWarningCharsMax))
}
