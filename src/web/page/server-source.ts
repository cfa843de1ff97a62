/** The release's bytes from the portal, by ranges over HTTP, with the session that the page has. */
import { ShoalError } from '../../core/errors.ts'
import { formatRange } from '../../wire/byte-range.ts'
import type { ServerSource } from '../engine/server-runs.ts'

export function portalSource(url: string): ServerSource {
  return {
    async *fetch(from, end, signal) {
      // An answer may be shorter than what was asked for: then the rest is asked for.
      for (let at = from; at < end;) {
        const response = await fetch(url, { headers: { Range: formatRange({ from: at, end }) }, signal })
        if (response.status !== 206 || response.body === null) {
          await response.body?.cancel()
          throw new ShoalError('unavailable', `the server answered ${response.status}`)
        }
        const before = at
        const reader = response.body.getReader()
        for (let read = await reader.read(); !read.done; read = await reader.read()) {
          at += read.value.length
          yield read.value
        }
        if (at === before) throw new ShoalError('unavailable', 'the server sent nothing')
      }
    },
  }
}
