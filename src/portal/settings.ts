/** Settings of the portal; the table is their manual. */
import { ShoalError } from '../core/errors.ts'
import { parseSize } from '../core/quantity-text.ts'
import { hours, millis, minutes, type Millis } from '../core/units.ts'
import type { Setting, SettingsOf } from '../platform/config.ts'
import { readBoolean, readInteger, readList, readMillis, readText } from '../platform/setting-readers.ts'
import { foreignUrl } from '../wire/foreign-url.ts'

function readUdpTracker(text: string): string {
  const url = foreignUrl(text, ['udp'], 'udpTrackerUrl')
  if (/^udp:\/\/[^/?#]+$/.test(url)) return url
  throw new ShoalError('bad-usage', 'udp://HOST:PORT without a path expected')
}

export const portalSettings = {
  trustProxy: {
    parse: readList(readText(64)),
    fallback: [] as readonly string[],
    fallbackText: '(none)',
    help: 'Addresses or ranges of reverse proxies in front, comma-separated, or "loopback": only their X-Forwarded headers are believed. Behind a TLS proxy this must be set, or nobody can sign in.',
  } satisfies Setting<readonly string[]>,
  allowInsecureLogin: {
    parse: readBoolean,
    fallback: false,
    help: 'Lets people sign in over plain HTTP from other machines. Their tokens and cookies can then be read on the way: for trials only.',
  } satisfies Setting<boolean>,
  metricsOpen: {
    parse: readBoolean,
    fallback: false,
    help: 'Serves /metrics to whoever asks, without a token of an admin.',
  } satisfies Setting<boolean>,
  sessionLifeMs: {
    parse: readMillis(minutes(5), hours(24 * 30)),
    fallback: hours(12),
    help: 'How long a person stays signed in, at most.',
  } satisfies Setting<Millis>,
  sessionIdleMs: {
    parse: readMillis(minutes(5), hours(24 * 30)),
    fallback: hours(1),
    help: 'A person who did nothing on the pages for so long has to sign in again. Pages that renew themselves do not count.',
  } satisfies Setting<Millis>,
  grantKeyLifeMs: {
    parse: readMillis(millis(10_000), hours(24 * 365)),
    fallback: hours(24 * 30),
    help: 'How long one key signs grants before the next one takes over. Its grants stay good to their end.',
  } satisfies Setting<Millis>,
  udpTrackerUrl: {
    parse: readUdpTracker,
    fallback: undefined,
    fallbackText: 'none',
    help: 'The tracker over UDP, such as udp://media.example.com:6969, named in .torrent files after the one over HTTP; never in magnets. Only clients built on libtorrent can use it.',
  } satisfies Setting<string | undefined>,
  uploadQuota: {
    parse: parseSize,
    fallback: 500e9,
    fallbackText: '500GB',
    help: 'What the uploads of one person may take on the disk in all, drafts and releases; of those that were recalled until their publisher deletes them. 0 allows none.',
  } satisfies Setting<number>,
  uploadKeepFree: {
    parse: parseSize,
    fallback: 5e9,
    fallbackText: '5GB',
    help: 'What uploads leave free on the disk: one that would take more is refused before it begins.',
  } satisfies Setting<number>,
  failedLoginsPerMinuteMax: {
    parse: readInteger(1, 10_000),
    fallback: 20,
    help: 'Wrong tokens, passwords and login links from one address in a minute; after that it is told to wait.',
  } satisfies Setting<number>,
  failedPasswordsMax: {
    parse: readInteger(3, 10_000),
    fallback: 20,
    help: 'Wrong passwords for one name in a quarter of an hour, from wherever; after that nobody signs in by it for a while.',
  } satisfies Setting<number>,
}

export type PortalSettings = SettingsOf<typeof portalSettings>
