/** How well a new password withstands guessing, by zxcvbn (Wheeler, USENIX Security 2016): dictionaries, dates, keyboard walks, repeats. */
import type { ZxcvbnFactory } from '@zxcvbn-ts/core'

/** Of 0 to 4. 3: safe from whoever has the hash, and a slow hash to fight with. */
const SCORE_MIN = 3
/** It compares every part with every dictionary, 30 ms at the most for so many; more makes no password easier to guess. */
const CHARS_LOOKED_AT = 64

/** `about`: what others know of whose it is. The dictionaries are loaded when somebody chooses a password. */
export async function isEasilyGuessed(password: string, about: readonly string[]): Promise<boolean> {
  loading ??= load()
  const checker = await loading
  const texts = about.map((text) => text.toLowerCase())
  const words = texts.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u))
  const known = new Set(['shoal', ...texts, ...words].filter((word) => word.length > 2))
  return checker.check(password.slice(0, CHARS_LOOKED_AT), [...known].slice(0, 20)).score < SCORE_MIN
}

let loading: Promise<ZxcvbnFactory> | undefined

async function load(): Promise<ZxcvbnFactory> {
  const { ZxcvbnFactory } = await import('@zxcvbn-ts/core')
  const { adjacencyGraphs: graphs, dictionary } = await import('@zxcvbn-ts/language-common')
  return new ZxcvbnFactory({ dictionary, graphs, maxLength: CHARS_LOOKED_AT })
}
