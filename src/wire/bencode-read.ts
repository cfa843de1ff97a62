/**
 * Reading decoded bencode: each reader gives `undefined` when the key is absent and throws a ShoalError
 * `bad-input` when it is there with another type. `what` names the whole in the error: `torrent`, `reply`.
 */
import { ShoalError } from '../core/errors.ts'
import type { BencodeDict, BencodeValue } from './bencode.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const isDict = (value: BencodeValue): value is BencodeDict => value instanceof Map
const isList = (value: BencodeValue): value is readonly BencodeValue[] => Array.isArray(value)

export function asDict(value: BencodeValue, what: string): BencodeDict {
  if (isDict(value)) return value
  throw new ShoalError('bad-input', `${what}: a dictionary expected`)
}

export function asBytes(value: BencodeValue, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new ShoalError('bad-input', `${what}: a string expected`)
}

/** UTF-8, strictly: bytes that are none are refused. */
export function asText(value: BencodeValue, what: string): string {
  const bytes = asBytes(value, what)
  try {
    return utf8.decode(bytes)
  } catch {
    throw new ShoalError('bad-input', `${what}: the text is no UTF-8`)
  }
}

export function asList(value: BencodeValue, what: string): readonly BencodeValue[] {
  if (isList(value)) return value
  throw new ShoalError('bad-input', `${what}: a list expected`)
}

export function intAt(dict: BencodeDict, key: string, what: string): number | undefined {
  const value = dict.get(key)
  if (value === undefined || typeof value === 'number') return value
  throw new ShoalError('bad-input', `${what}: "${key}": a number expected`)
}

export const bytesAt = (dict: BencodeDict, key: string, what: string): Uint8Array | undefined =>
  at(dict, key, what, asBytes)

export const textAt = (dict: BencodeDict, key: string, what: string): string | undefined =>
  at(dict, key, what, asText)

export const listAt = (dict: BencodeDict, key: string, what: string): readonly BencodeValue[] | undefined =>
  at(dict, key, what, asList)

export const dictAt = (dict: BencodeDict, key: string, what: string): BencodeDict | undefined =>
  at(dict, key, what, asDict)

function at<T>(
  dict: BencodeDict,
  key: string,
  what: string,
  read: (value: BencodeValue, what: string) => T,
): T | undefined {
  const value = dict.get(key)
  return value === undefined ? undefined : read(value, `${what}: "${key}"`)
}

/** For a key that must be there. */
export function present<T>(value: T | undefined, key: string, what: string): T {
  if (value !== undefined) return value
  throw new ShoalError('bad-input', `${what}: "${key}" is missing`)
}

/** Text of a stranger for a person to read: UTF-8 as far as it goes, no control characters, at most `charsMax`. */
export function displayText(bytes: Uint8Array, charsMax: number): string {
  const text = Buffer.from(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.byteLength, 4 * charsMax),
  ).toString()
  return withoutControls(text).slice(0, charsMax).toWellFormed()
}

/** Without C0 and C1 controls (an ANSI sequence begins with one) and marks that reverse how a text reads. */
export function withoutControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it takes out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '')
}
