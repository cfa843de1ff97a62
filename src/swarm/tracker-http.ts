/** One GET to a tracker: bounded, timed, from the given address, following no redirect and keeping no connection. */
import type { IncomingMessage } from 'node:http'
import type { IpAddress } from '../core/address.ts'
import { messageOf, ShoalError } from '../core/errors.ts'
import { httpModuleFor } from '../platform/http-module.ts'
import { limits } from '../wire/limits.ts'

/** Answers the body of a reply of status 200. @throws ShoalError `unavailable`, without the URL in it. */
export type FetchAnnounce = (
  url: string,
  from: IpAddress | undefined,
  signal: AbortSignal,
) => Promise<Uint8Array>

export const fetchAnnounce: FetchAnnounce = async (url, from, signal) => {
  const response = await get(url, from, signal)
  if (response.statusCode !== 200) {
    response.destroy()
    throw new ShoalError('unavailable', `the tracker answered with status ${response.statusCode ?? 0}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      if (bytes > limits.trackerReplyBytesMax)
        throw new ShoalError('over-limit', "the tracker's reply is too long")
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof ShoalError) throw error
    throw new ShoalError('unavailable', 'the tracker broke off its reply', { cause: error })
  }
  return Buffer.concat(chunks)
}

function get(url: string, from: IpAddress | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(
        new ShoalError('unavailable', `the tracker cannot be reached: ${reasonOf(error)}`, { cause: error }),
      )
    }
    try {
      const at = new URL(url)
      const outgoing = httpModuleFor(at).request(at, {
        agent: false,
        signal,
        headers: { 'user-agent': 'Shoal/0.1.0', 'accept-encoding': 'identity', connection: 'close' },
        ...(from !== undefined && { localAddress: from }),
      })
      outgoing.on('response', resolve)
      outgoing.on('error', fail)
      outgoing.end()
    } catch (error) {
      fail(error) // an address that is none
    }
  })
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return messageOf(error)
}
