/** The `KEY=VALUE` words of a line of the sites file: `peering=off`, `wan=20Mbit`. */
import { ShoalError } from '../core/errors.ts'
import { parseRate } from '../core/quantity-text.ts'
import type { SitePolicy } from '../core/site.ts'
import { limits } from './limits.ts'

/** What each key makes of its value. */
const READERS: Readonly<Record<string, (value: string) => SitePolicy>> = {
  peering: (value) => {
    if (value !== 'on' && value !== 'off') throw new ShoalError('bad-input', 'peering is "on" or "off"')
    return value === 'off' ? { peering: 'off' } : {}
  },
  wan: (value) => ({ wanBytesPerSecond: wanOf(value) }),
}

/** @throws ShoalError `bad-input` for a key that is unknown or there twice, and for a value that is none. */
export function parsePolicy(words: readonly string[]): SitePolicy {
  const seen = new Set<string>()
  let policy: SitePolicy = {}
  for (const word of words) {
    const [key = ''] = word.split('=', 1)
    const reader = Object.hasOwn(READERS, key) ? READERS[key] : undefined
    if (reader === undefined)
      throw new ShoalError(
        'bad-input',
        `${JSON.stringify(word.slice(0, 40))} is no setting of a site: ${Object.keys(READERS).join('=, ')}=`,
      )
    if (seen.has(key)) throw new ShoalError('bad-input', `${key}= is there twice`)
    seen.add(key)
    policy = { ...policy, ...reader(word.slice(key.length + 1)) }
  }
  return policy
}

/** With a space before each word; empty when there is nothing to say. */
export function formatPolicy({ peering, wanBytesPerSecond }: SitePolicy): string {
  return (
    (peering === undefined ? '' : ` peering=${peering}`) +
    (wanBytesPerSecond === undefined ? '' : ` wan=${wanText(wanBytesPerSecond)}`)
  )
}

/** Bits or bytes must be said: `wan=20M` would be read as 160 Mbit/s by half of those who write it. */
function wanOf(text: string): number {
  if (text === '0') return 0
  const rate = /(?:bit|B)(?:\/s)?$/.test(text) ? Math.floor(parseRate(text)) : undefined
  if (rate === undefined) throw new ShoalError('bad-input', 'wan is a rate such as 20Mbit or 2.5MB, or 0')
  if (rate > limits.siteWanBytesPerSecondMax)
    throw new ShoalError('bad-input', `wan is at most ${limits.siteWanBytesPerSecondMax} bytes a second`)
  return rate
}

function wanText(bytesPerSecond: number): string {
  if (bytesPerSecond === 0) return '0'
  const megabits = bytesPerSecond / 125_000
  return Number.isInteger(megabits) ? `${megabits}Mbit` : `${bytesPerSecond}B`
}
