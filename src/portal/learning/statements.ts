/**
 * xAPI statements (IEEE 9274.1.1, 1.0.3) of the video profile: one when somebody begins a file of a release and one when they have
 * completed it. Their ids follow from what they say, so that the same is never told twice: not by a retry, nor after a crash.
 */
import { createHash } from 'node:crypto'
import { kindOfName } from '../../core/kinds.ts'
import type { TimeRange } from '../../core/time-ranges.ts'
import type { StoredRelease } from '../catalogue/catalogue.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { LearningTableRow } from '../database/learning-tables.ts'
import { shareOf } from './progress.ts'
import { rangesIn } from './rows.ts'

export interface Statement {
  readonly id: string
  readonly body: object
}

export interface Watching {
  readonly publicUrl: string
  readonly completedShare: number
  readonly release: StoredRelease
  /** Of the file. */
  readonly path: string
  readonly row: LearningTableRow
}

type Event = 'initialized' | 'completed'

const VERBS: Readonly<Record<Event, string>> = {
  initialized: 'http://adlnet.gov/expapi/verbs/initialized',
  completed: 'http://adlnet.gov/expapi/verbs/completed',
}
const PROFILE = 'https://w3id.org/xapi/video'
const EXTENSION = `${PROFILE}/extensions`
const SOUND = 'https://w3id.org/xapi/audio/activity-type/audio'

export function statementsOf(events: readonly Event[], watching: Watching): Statement[] {
  return events.map((event) => statementOf(event, watching))
}

function statementOf(event: Event, watching: Watching): Statement {
  const { publicUrl, release, path, row, completedShare } = watching
  const registration = uuidOf([publicUrl, release.infohash, row.file, row.person, row.first_at])
  const id = uuidOf([registration, event])
  const page = `${publicUrl}/bundles/${release.bundle}/releases/${release.name}/watch`
  const at = event === 'completed' ? (row.completed_at ?? row.last_at) : row.first_at
  const body = {
    id,
    actor: { objectType: 'Agent', account: { homePage: publicUrl, name: row.person } },
    verb: { id: VERBS[event], display: { 'en-US': event } },
    object: {
      objectType: 'Activity',
      id: release.isSingleFile ? page : `${page}?file=${row.file}`,
      definition: {
        type: kindOfName(path) === 'audio' ? SOUND : `${PROFILE}/activity-type/video`,
        name: { und: path },
      },
    },
    ...(event === 'completed' && { result: resultOf(row) }),
    context: {
      registration,
      platform: 'Shoal',
      contextActivities: {
        category: [{ id: PROFILE }],
        grouping: [{ id: `${publicUrl}/bundles/${release.bundle}` }],
      },
      extensions: {
        [`${EXTENSION}/session-id`]: registration,
        [`${EXTENSION}/length`]: row.duration_seconds,
        [`${EXTENSION}/completion-threshold`]: completedShare,
      },
    },
    timestamp: isoTime(at),
  }
  return { id, body }
}

function resultOf(row: LearningTableRow): object {
  const ranges = rangesIn(row.ranges)
  return {
    completion: true,
    duration: `PT${row.seen_seconds}S`,
    extensions: {
      [`${EXTENSION}/time`]: ranges.at(-1)?.[1] ?? 0,
      [`${EXTENSION}/progress`]: shareOf({
        seenSeconds: row.seen_seconds,
        durationSeconds: row.duration_seconds,
      }),
      [`${EXTENSION}/played-segments`]: segmentsOf(ranges),
    },
  }
}

/** As the profile writes them. */
const segmentsOf = (ranges: readonly TimeRange[]): string =>
  ranges.map(([from, to]) => `${from}[.]${to}`).join('[,]')

/** For names of our own making. */
const NAMESPACE = Buffer.from('8f1d1c5e4a0b4e0f9d5b6a7c1e2f3a4b', 'hex')

/** Version 5, made from a name (RFC 9562, 5.5): stores that know no later versions take it. */
function uuidOf(parts: readonly (string | number)[]): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(JSON.stringify(parts)).digest().subarray(0, 16)
  const hex = [...bytes]
    .map((byte, at) => (at === 6 ? 0x50 | (byte & 0x0f) : at === 8 ? 0x80 | (byte & 0x3f) : byte))
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
