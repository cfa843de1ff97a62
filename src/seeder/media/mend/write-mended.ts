/** Writes a mended copy of a file beside it, never over anything. Synchronous: for a thread. */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { ShoalError } from '../../../core/errors.ts'
import { MiB } from '../../../core/units.ts'
import { mediaLimits } from '../../../wire/limits-media.ts'
import { refused, type Readable } from './boxes.ts'
import { planMend } from './plan-mend.ts'

export interface Mended {
  readonly sizeBytes: number
  /** Hex. */
  readonly sha256: string
}

const COPIED_AT_ONCE = 4 * MiB
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK || 0) | (constants.O_NOFOLLOW || 0)
/** The heads of its boxes, and its description. */
const READ_BYTES_MAX = mediaLimits.moovBytesMax + 8 * MiB

/**
 * All of it is on the disk when it returns. `to` must not be there.
 * @throws ShoalError `bad-input` with a sentence for what cannot be mended, or changed meanwhile; what the system says.
 */
export function writeMended(
  from: string,
  to: string,
  onProgress: (doneBytes: number, sizeBytes: number) => void,
): Mended {
  using source = new Opened(openSync(from, READ_ONLY))
  const before = fstatSync(source.fd, { bigint: true })
  if (!before.isFile()) throw refused('it is no file')
  const plan = planMend(readable(source, Number(before.size)))
  using target = new Opened(openSync(to, 'wx'))
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(COPIED_AT_ONCE)
  let done = 0
  const put = (bytes: Uint8Array): void => {
    hash.update(bytes)
    for (let at = 0; at < bytes.length;) at += writeSync(target.fd, bytes, at)
    done += bytes.length
    onProgress(done, plan.sizeBytes)
  }
  for (const part of plan.parts) {
    if ('bytes' in part) {
      put(part.bytes)
      continue
    }
    for (let at = part.from; at < part.to;) {
      const read = readSync(source.fd, buffer, 0, Math.min(buffer.length, part.to - at), at)
      if (read === 0) throw changed()
      put(buffer.subarray(0, read))
      at += read
    }
  }
  const after = fstatSync(source.fd, { bigint: true })
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) throw changed()
  fsyncSync(target.fd)
  return { sizeBytes: done, sha256: hash.digest('hex') }
}

const changed = (): ShoalError => new ShoalError('bad-input', 'the file changed while it was read')

/** The same file that is copied, whatever becomes of its path; so many bytes of it and no more. */
function readable({ fd }: Opened, sizeBytes: number): Readable {
  let left = READ_BYTES_MAX
  return {
    sizeBytes,
    read(start, end) {
      left -= end - start
      if (left < 0) throw refused('it is not like any film')
      const bytes = new Uint8Array(end - start)
      for (let at = 0; at < bytes.length;) {
        const read = readSync(fd, bytes, at, bytes.length - at, start + at)
        if (read === 0) throw changed()
        at += read
      }
      return bytes
    },
  }
}

class Opened implements Disposable {
  readonly fd: number

  constructor(fd: number) {
    this.fd = fd
  }

  [Symbol.dispose](): void {
    closeSync(this.fd)
  }
}
