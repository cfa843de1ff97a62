/** The release's bytes from the portal, by ranges over HTTP, with the session that the page has. */
import { ShoalError } from '../../core/errors.ts'
import { formatRange } from '../../wire/byte-range.ts'
import type { ServerSource } from '../engine/server-runs.ts'
import { NOT_FOR_YOU } from './portal.ts'

export function portalSource(url: string): ServerSource {
  return {
    async *fetch(from, end, signal) {
      // An answer may be shorter than what was asked for: then the rest is asked for.
      for (let at = from; at < end;) {
        const response = await answered(url, { headers: { Range: formatRange({ from: at, end }) }, signal })
        if (response.status !== 206 || response.body === null) {
          await response.body?.cancel()
          throw new ShoalError('unavailable', reasonOf(response.status))
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

async function answered(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request)
  } catch (cause) {
    throw new ShoalError('unavailable', 'it does not answer', { cause })
  }
}

const reasonOf = (status: number): string =>
  status === 401 || status === 404 ? NOT_FOR_YOU : `it answers ${status}`
