/** The parts of learning, as the settings have them. Without settings nothing is recorded. */
import { ShoalError } from '../../core/errors.ts'
import { readConfig } from '../../platform/config.ts'
import type { Logger } from '../../platform/log.ts'
import type { RecordParts } from '../journal.ts'
import { Learning } from './learning.ts'
import { LearningReport } from './report.ts'
import { learningSettings, type LearningSettings } from './settings.ts'
import { XapiOutbox } from './xapi-outbox.ts'
import { XapiSender } from './xapi-sender.ts'

export interface OpenedLearning {
  readonly learning: Learning
  readonly learningReport: LearningReport
  /** Where there is a learning system to tell. */
  readonly xapi: XapiSender | undefined
}

/** @throws ShoalError `bad-usage` for a name without a password, or the other way round. */
export function openLearning(
  parts: RecordParts & {
    readonly log: Logger
    readonly publicUrl: string
    readonly settings: LearningSettings | undefined
  },
): OpenedLearning {
  const { db, journal, clock, log, publicUrl } = parts
  const settings = parts.settings ?? readConfig(learningSettings, {})
  const { record, xapiUrl, xapiUser, xapiPassword } = settings
  if ((xapiUser === undefined) !== (xapiPassword === undefined))
    throw new ShoalError(
      'bad-usage',
      'learning.xapiUser and learning.xapiPassword go together: set both or neither',
    )
  // off, nothing of it is told any more either
  const outbox = record && xapiUrl !== undefined ? new XapiOutbox({ db, clock, log }) : undefined
  const login =
    xapiUser === undefined || xapiPassword === undefined
      ? undefined
      : { user: xapiUser, password: xapiPassword }
  return {
    learning: new Learning({ db, journal, clock, settings, outbox, publicUrl }),
    learningReport: new LearningReport({ db, journal, isOn: record }),
    xapi:
      outbox === undefined || xapiUrl === undefined
        ? undefined
        : new XapiSender({ clock, log, outbox, url: xapiUrl, login }),
  }
}
