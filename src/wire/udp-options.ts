/**
 * What may stand behind an announce over UDP (BEP 41): options of a byte of type, and but for two of them a byte of
 * length and as many bytes. One type matters here: `URLData`, the path and query of the announce URL.
 */
import { ShoalError } from '../core/errors.ts'

const OPTION = { end: 0, nop: 1, urlData: 2 } as const
const OPTION_BYTES_MAX = 255

/**
 * The URL's path and query, a character a byte, joined from all options that have some of it; empty when none has.
 * What stands after the end of the options, and options of unknown types, are ignored.
 * @throws ShoalError `bad-input` when an option runs over the end of the packet.
 */
export function urlDataOf(packet: Buffer, from: number): string {
  let text = ''
  for (let at = from; at < packet.length;) {
    const type = packet[at++]
    if (type === OPTION.end) break
    if (type === OPTION.nop) continue
    const length = packet[at++]
    if (length === undefined || at + length > packet.length)
      throw new ShoalError('bad-input', 'options: one runs over the end of the packet')
    if (type === OPTION.urlData) text += packet.toString('latin1', at, at + length)
    at += length
  }
  return text
}

/** In as few options as hold it, without an end: the packet's end is one. */
export function encodeUrlData(text: string): Buffer {
  const parts: Uint8Array[] = []
  for (let at = 0; at < text.length; at += OPTION_BYTES_MAX) {
    const part = Buffer.from(text.slice(at, at + OPTION_BYTES_MAX), 'latin1')
    parts.push(Uint8Array.of(OPTION.urlData, part.length), part)
  }
  return Buffer.concat(parts)
}
