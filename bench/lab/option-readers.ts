/** Readers of single options. Each throws RangeError with the option's name for what cannot be. */
import type { ContentPlan } from './content.ts'
import type { Cut } from './plan.ts'

const UNITS = { KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const

export function oneOf<T extends string>(name: string, value: string, among: readonly T[]): T {
  const found = among.find((each) => each === value)
  if (found === undefined) throw new RangeError(`--${name} ${value}: want one of ${among.join(', ')}`)
  return found
}

export function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`--${name} ${text}: want a number above 0`)
  return value
}

export function whole(name: string, text: string, most: number): number {
  const value = text === '' ? NaN : Number(text)
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new RangeError(`--${name} ${text}: want a whole number to ${most}`)
  return value
}

export function share(name: string, text: string): number {
  const value = positive(name, text)
  if (value > 1) throw new RangeError(`--${name} ${text}: want a share, at most 1`)
  return value
}

/** `A@B`. */
export function pair(name: string, text: string): readonly [string, string] {
  const [a, b, ...more] = text.split('@')
  if (a === undefined || b === undefined || more.length > 0)
    throw new RangeError(`--${name} ${text}: want two values with @ between them`)
  return [a, b]
}

/** `COUNT`x`SIZE`, the size with its unit: `2000x16KiB`. */
export function files(text: string): ContentPlan {
  const [, count, size, unit] = /^(\d+)x(\d+)(KiB|MiB|GiB)$/.exec(text) ?? []
  if (count === undefined || size === undefined || unit === undefined)
    throw new RangeError(`--files ${text}: want a number and a size, as 2000x16KiB`)
  const fileBytes = Number(size) * UNITS[unit as keyof typeof UNITS]
  const plan = { files: whole('files', count, 100_000), fileBytes }
  if (plan.files * fileBytes === 0) throw new RangeError(`--files ${text}: there is nothing in them`)
  return plan
}

/** `all@10-70`, `1@10-70`, `1,3@10-70`: sites from everything; `1-2@10-70`: two from each other. Counted from 1. */
export function cut(text: string, sites: number): Cut {
  const [who, when] = pair('cut', text)
  const [from, until, ...more] = when.split('-')
  if (from === undefined || until === undefined || more.length > 0)
    throw new RangeError(`--cut ${text}: want seconds from and until, as 10-70`)
  const [fromSeconds, untilSeconds] = [whole('cut', from, 100_000), whole('cut', until, 100_000)]
  if (untilSeconds <= fromSeconds) throw new RangeError(`--cut ${text}: it ends before it begins`)
  return { between: betweenOf(who, sites), fromSeconds, untilSeconds }
}

function betweenOf(who: string, sites: number): Cut['between'] {
  const site = (text: string): number => {
    const number = whole('cut', text, sites)
    if (number === 0) throw new RangeError('--cut: sites are counted from 1')
    return number - 1
  }
  if (who === 'all') return { kind: 'apart', sites: Array.from({ length: sites }, (_, i) => i) }
  const [a, b] = who.split('-')
  if (a !== undefined && b !== undefined) return { kind: 'pair', sites: [site(a), site(b)] }
  return { kind: 'apart', sites: who.split(',').map(site) }
}
