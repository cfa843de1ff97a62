/** Settings of what is recorded of watching; the table is their manual. */
import { ShoalError } from '../../core/errors.ts'
import type { Setting, SettingsOf } from '../../platform/config.ts'
import { readBoolean, readInteger, readText } from '../../platform/setting-readers.ts'
import { foreignUrl } from '../../wire/foreign-url.ts'

function readShare(text: string): number {
  const share = /^(?:1(?:\.0{1,4})?|0?\.\d{1,4})$/.test(text) ? Number(text) : 0
  if (share >= 0.1) return share
  throw new ShoalError(
    'bad-usage',
    `a part of the whole from 0.1 to 1 expected, got ${JSON.stringify(text.slice(0, 80))}`,
  )
}

function readEndpoint(text: string): string {
  const url = foreignUrl(text, ['http', 'https'], 'learning.xapiUrl').replace(/\/+$/, '')
  if (/[?#]/.test(url))
    throw new ShoalError('bad-usage', 'the address of an xAPI endpoint has neither ? nor #')
  return url
}

/** Basic authentication (RFC 7617) has no way to write a colon in a name, nor controls. */
function readUser(text: string): string {
  const user = readText(256)(text)
  // eslint-disable-next-line no-control-regex
  if (/[:\u0000-\u001f\u007f]/.test(user))
    throw new ShoalError('bad-usage', 'a name without a colon expected')
  return user
}

export const learningSettings = {
  record: {
    parse: readBoolean,
    fallback: false,
    help: 'Records how much of each video and recording each person has watched in the browser, with their name, and says so on the page. Off, nothing is kept, and nothing of before is shown. Ask whoever speaks for your employees first.',
  } satisfies Setting<boolean>,
  completedShare: {
    parse: readShare,
    fallback: 0.9,
    help: 'Who has seen this part of a file, 0.1 to 1, has completed it. Few watch the credits.',
  } satisfies Setting<number>,
  keepDays: {
    parse: readInteger(0, 3_660),
    fallback: 730,
    help: 'Records go when nothing was added to them for so many days; 0 deletes all there are within ten minutes.',
  } satisfies Setting<number>,
  xapiUrl: {
    parse: readEndpoint,
    fallback: undefined,
    fallbackText: '(none)',
    help: 'The xAPI endpoint of a learning record store, such as https://lrs.example.com/xapi: who begins and who completes is told to URL/statements. No redirect is followed.',
  } satisfies Setting<string | undefined>,
  xapiUser: {
    parse: readUser,
    fallback: undefined,
    fallbackText: '(none)',
    help: 'The name (or key) for Basic authentication there.',
  } satisfies Setting<string | undefined>,
  xapiPassword: {
    parse: readText(1_024),
    fallback: undefined,
    fallbackText: '(none)',
    help: 'The password (or secret) that goes with it.',
    isSecret: true,
  } satisfies Setting<string | undefined>,
}

export type LearningSettings = SettingsOf<typeof learningSettings>
