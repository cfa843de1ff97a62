/** Readers for the `parse` of a {@link Setting}. Each throws a sentence that says what was expected. */
import { ShoalError } from '../core/errors.ts'
import { millis, type Millis } from '../core/units.ts'

function wanted(what: string, text: string): ShoalError {
  return new ShoalError('bad-usage', `${what} expected, got ${JSON.stringify(text.slice(0, 80))}`)
}

/** A whole number in `min..max`, in decimal digits only. */
export function readInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : NaN
    if (!Number.isSafeInteger(value) || value < min || value > max)
      throw wanted(`a whole number from ${min} to ${max}`, text)
    return value
  }
}

/** Milliseconds as digits, in `min..max`; for settings whose name ends in `Ms`. */
export function readMillis(min: Millis, max: Millis): (text: string) => Millis {
  const read = readInteger(min, max)
  return (text) => millis(read(text))
}

/** `true` or `false`, nothing else. */
export function readBoolean(text: string): boolean {
  if (text === 'true') return true
  if (text === 'false') return false
  throw wanted('true or false', text)
}

export function readOneOf<const T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text)
    if (found === undefined) throw wanted(`one of ${choices.join(', ')}`, text)
    return found
  }
}

/** 1..`charsMax` characters. */
export function readText(charsMax: number): (text: string) => string {
  return (text) => {
    if (text === '' || text.length > charsMax) throw wanted(`a text of 1 to ${charsMax} characters`, text)
    return text
  }
}

/** Comma-separated; white space around items is dropped; an empty text is an empty list. */
export function readList<T>(item: (text: string) => T): (text: string) => readonly T[] {
  return (text) => (text.trim() === '' ? [] : Object.freeze(text.split(',').map((part) => item(part.trim()))))
}
