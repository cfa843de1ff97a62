/** Small JPEGs for tests: a real one, and ones with parts that are not wanted. */

/** 16 by 16 pixels of one colour, as ffmpeg writes them; with JFIF's segment. */
const SMALL =
  '/9j/4AAQSkZJRgABAgAAAQABAAD/2wBDAAgoKC8oLzc3Nzc3N0E8QUNDQ0FBQUFDQ0NISEhVVVVISEhDQ0hIUFBVVVxfXFdXVVdf' +
  'X2RkZHh4c3OMjJGsrM//xABMAAEBAAAAAAAAAAAAAAAAAAAABgEBAQAAAAAAAAAAAAAAAAAABQcQAQAAAAAAAAAAAAAAAAAAAAAR' +
  'AQAAAAAAAAAAAAAAAAAAAAD/wAARCAAQABADASIAAhEAAxEA/9oADAMBAAIRAxEAPwCZALJ+/9k='

export const smallJpeg = (): Buffer => Buffer.from(SMALL, 'base64')

/** A segment with a marker of this code. */
export function segment(code: number, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.from([0xff, code, 0, 0])
  head.writeUInt16BE(bytes.length + 2, 2)
  return Buffer.concat([head, bytes])
}

/** The small one with these bytes behind its first marker. */
export const jpegWith = (...parts: readonly Uint8Array[]): Buffer => {
  const whole = smallJpeg()
  return Buffer.concat([whole.subarray(0, 2), ...parts, whole.subarray(2)])
}

/** The small one, which says another size. */
export function jpegOfSize(widthPx: number, heightPx: number): Buffer {
  const bytes = smallJpeg()
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]))
  bytes.writeUInt16BE(heightPx, frame + 5)
  bytes.writeUInt16BE(widthPx, frame + 7)
  return bytes
}
