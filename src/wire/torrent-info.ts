/** The `info` of a torrent (BEP 3, 27): a dictionary to a checked {@link Metainfo}, and back to bytes. */
import { ShoalError } from '../core/errors.ts'
import { PATH_BYTES_MAX, quote, refusalOfName, refusalOfPaths } from '../core/file-name.ts'
import type { Metainfo, MetainfoFile } from '../core/metainfo.ts'
import { KiB, MiB } from '../core/units.ts'
import { type BencodeDict, dictOf, encodeBencode } from './bencode.ts'
import { asDict, asText, bytesAt, intAt, listAt, present, textAt } from './bencode-read.ts'
import { limits } from './limits.ts'

const WHAT = 'torrent'
/** What we make is a power of two from 16 KiB to 16 MiB; others may choose more freely. */
const FOREIGN_PIECE_UNIT = 16 * KiB
const FOREIGN_PIECE_LENGTH_MAX = 64 * MiB
/** As deep as we publish. It also bounds the work of comparing paths. */
const PATH_PARTS_MAX = limits.publishDepthMax + 1

/**
 * Everything in the result is safe to use: names, sizes that add up, one hash a piece.
 * @throws ShoalError `bad-input` or `over-limit`.
 */
export function metainfoOf(info: BencodeDict): Metainfo {
  const pieces = bytesAt(info, 'pieces', WHAT)
  if (pieces === undefined && info.has('meta version'))
    throw new ShoalError(
      'bad-input',
      'torrent: it is a v2-only torrent (BEP 52), which Shoal cannot fetch yet',
    )
  const name = present(textAt(info, 'name', WHAT), 'name', WHAT)
  mustBeName(name, name)
  const metainfo: Metainfo = {
    name,
    pieceLength: pieceLengthOf(info),
    pieces: present(pieces, 'pieces', WHAT),
    isSingleFile: !info.has('files'),
    files: filesOf(info),
    isPrivate: privateOf(info),
  }
  mustAddUp(metainfo)
  return metainfo
}

/** The keys that BEP 3 and 27 name and no others, so that the same files give the same infohash everywhere. */
export function encodeInfo(metainfo: Metainfo): Uint8Array {
  const [first] = metainfo.files
  return encodeBencode(
    dictOf({
      files: metainfo.isSingleFile
        ? undefined
        : metainfo.files.map((file) => dictOf({ length: file.sizeBytes, path: file.path.split('/') })),
      length: metainfo.isSingleFile ? first?.sizeBytes : undefined,
      name: metainfo.name,
      'piece length': metainfo.pieceLength,
      pieces: metainfo.pieces,
      private: metainfo.isPrivate ? 1 : undefined,
    }),
  )
}

function pieceLengthOf(info: BencodeDict): number {
  const length = present(intAt(info, 'piece length', WHAT), 'piece length', WHAT)
  if (length < FOREIGN_PIECE_UNIT || length > FOREIGN_PIECE_LENGTH_MAX || length % FOREIGN_PIECE_UNIT !== 0)
    throw new ShoalError(
      'bad-input',
      `torrent: a piece length of ${length}: want a multiple of 16 KiB up to 64 MiB`,
    )
  return length
}

function privateOf(info: BencodeDict): boolean {
  const flag = intAt(info, 'private', WHAT) ?? 0
  if (flag !== 0 && flag !== 1) throw new ShoalError('bad-input', 'torrent: "private" is neither 0 nor 1')
  return flag === 1
}

function filesOf(info: BencodeDict): MetainfoFile[] {
  const list = listAt(info, 'files', WHAT)
  if (list === undefined) {
    mustBeOrdinary(info, undefined)
    return [{ path: '', sizeBytes: sizeAt(info) }]
  }
  if (info.has('length')) throw new ShoalError('bad-input', 'torrent: both "length" and "files"')
  if (list.length === 0) throw new ShoalError('bad-input', 'torrent: no files')
  if (list.length > limits.torrentFilesMax)
    throw new ShoalError('over-limit', `torrent: more than ${limits.torrentFilesMax} files`)
  const files = list.map((item) => {
    const file = asDict(item, 'torrent: file')
    const path = pathOf(file)
    mustBeOrdinary(file, path)
    return { path, sizeBytes: sizeAt(file) }
  })
  const refusal = refusalOfPaths(files.map((file) => file.path))
  if (refusal !== undefined) throw new ShoalError('bad-input', `torrent: ${refusal}`)
  return files
}

function pathOf(file: BencodeDict): string {
  const list = present(listAt(file, 'path', 'torrent: file'), 'path', 'torrent: file')
  if (list.length === 0) throw new ShoalError('bad-input', 'torrent: a file without a name')
  if (list.length > PATH_PARTS_MAX)
    throw new ShoalError('over-limit', `torrent: a path more than ${PATH_PARTS_MAX} parts deep`)
  const parts = list.map((part) => asText(part, 'torrent: "path"'))
  const path = parts.join('/')
  for (const part of parts) mustBeName(part, path)
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new ShoalError(
      'bad-input',
      `torrent: the path ${quote(path)} is longer than ${PATH_BYTES_MAX} bytes`,
    )
  return path
}

function sizeAt(file: BencodeDict): number {
  const size = present(intAt(file, 'length', WHAT), 'length', WHAT)
  if (size < 0) throw new ShoalError('bad-input', 'torrent: a file of negative length')
  return size
}

function mustBeName(name: string, path: string): void {
  const refusal = refusalOfName(name)
  if (refusal !== undefined) throw new ShoalError('bad-input', `torrent: the name ${quote(path)} ${refusal}`)
}

/** BEP 47: a link is refused; padding, hidden and executable files are files like all others. */
function mustBeOrdinary(file: BencodeDict, path: string | undefined): void {
  const attributes = bytesAt(file, 'attr', 'torrent: file')
  if (attributes?.includes(0x6c) !== true && !file.has('symlink path')) return
  const what = path === undefined ? 'its file' : quote(path)
  throw new ShoalError('bad-input', `torrent: ${what} is a symbolic link`)
}

function mustAddUp(metainfo: Metainfo): void {
  let total = 0
  for (const file of metainfo.files) total += file.sizeBytes
  if (!Number.isSafeInteger(total))
    throw new ShoalError('bad-input', 'torrent: the sizes add up to more than 2^53')
  if (total === 0) throw new ShoalError('bad-input', 'torrent: all its files are empty')
  const hashes = metainfo.pieces.length / 20
  if (!Number.isInteger(hashes))
    throw new ShoalError('bad-input', 'torrent: "pieces" is no multiple of 20 bytes')
  const expected = Math.ceil(total / metainfo.pieceLength)
  if (hashes !== expected)
    throw new ShoalError('bad-input', `torrent: ${hashes} hashes for ${expected} pieces`)
}
