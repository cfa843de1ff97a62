/** Readers of command-line values. Each throws a ShoalError `bad-usage` with one sentence. */
import { Option } from 'commander'
import { releaseName, slug, type ReleaseName, type Slug } from '../core/ids.ts'
import { messageOf, ShoalError } from '../core/errors.ts'

/** For repeatable flags. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value]

/** 0 (any free one) to 65535. */
export function port(text: string): number {
  const n = Number(text)
  if (!/^\d{1,5}$/.test(text) || n > 65_535)
    throw new ShoalError('bad-usage', `${JSON.stringify(text)} is no port number (0 to 65535)`)
  return n
}

export function positive(text: string): number {
  const n = Number(text)
  if (!/^\d{1,9}$/.test(text) || n < 1)
    throw new ShoalError('bad-usage', `${JSON.stringify(text)} is no number of 1 or more`)
  return n
}

export function choice(
  flags: string,
  description: string,
  values: readonly string[],
  fallback: string,
): Option {
  return new Option(flags, description).choices(values).default(fallback)
}

/** `HOST:PORT`, `[V6]:PORT` or just `PORT`. */
export function hostAndPort(text: string): { host: string; port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):)?(\d{1,5})$/.exec(text)
  if (match === null)
    throw new ShoalError('bad-usage', `${JSON.stringify(text.slice(0, 80))} is no HOST:PORT`)
  return { host: match[1] ?? match[2] ?? '0.0.0.0', port: port(match[3] ?? '') }
}

/** `BUNDLE` or `BUNDLE@RELEASE`; the release is `latest` when it is not said. */
export function bundleAndRelease(text: string): { bundle: Slug; release: ReleaseName } {
  const at = text.indexOf('@')
  try {
    return at === -1
      ? { bundle: slug(text), release: releaseName('latest') }
      : { bundle: slug(text.slice(0, at)), release: releaseName(text.slice(at + 1)) }
  } catch (error) {
    throw new ShoalError('bad-usage', `BUNDLE or BUNDLE@RELEASE wanted: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
