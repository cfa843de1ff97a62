/**
 * Where the files of a release are below a web seed (BEP 19): its URL ends in `/`, and the name of the file, or of
 * the folder and the path in it, follows, each part percent-encoded. Not as a query: libtorrent refuses that of a
 * local web seed.
 */
import { ShoalError } from '../core/errors.ts'
import { refusalOfName } from '../core/file-name.ts'
import { limits } from './limits.ts'
import { percentDecode, percentEncode } from './query.ts'

export interface WebSeedPath {
  /** As it was written: NOT verified, and not for any log. */
  readonly grant: string
  /** `name` or `name/path`, decoded: as the file lands. */
  readonly landingPath: string
}

export const WEB_SEED_PREFIX = '/w/'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The path of a request as it stands in the first line.
 * @throws ShoalError `not-found` for what can be no file of any release. Whether it is one of this is the caller's.
 */
export function parseWebSeedPath(target: string): WebSeedPath {
  const [prefix, ...parts] = [target.slice(0, WEB_SEED_PREFIX.length), ...splitRest(target)]
  const [grant = '', ...names] = parts
  if (prefix !== WEB_SEED_PREFIX || grant === '' || grant.length > limits.grantCharsMax || names.length === 0)
    throw noSuchFile()
  return { grant, landingPath: names.map(decodedName).join('/') }
}

function splitRest(target: string): string[] {
  if (target.length > limits.webSeedPathCharsMax) throw noSuchFile()
  return target.slice(WEB_SEED_PREFIX.length).split('/')
}

/** A `?` or a `#` that is not escaped begins something else than a path. */
function decodedName(part: string): string {
  let name: string
  try {
    name = utf8.decode(percentDecode(part, 'path'))
  } catch {
    throw noSuchFile()
  }
  if (/[?#]/.test(part) || refusalOfName(name) !== undefined) throw noSuchFile()
  return name
}

/** The URL of a file, by where it lands; `base` ends in `/`, as that of every web seed of ours does. */
export function webSeedFileUrl(base: string, landingPath: string): string {
  const path = landingPath.split('/').map((part) => percentEncode(Buffer.from(part)))
  return `${base}${path.join('/')}`
}

/**
 * The same for any web seed (BEP 19): without the `/` at its end the URL is that of the one file itself, or of the
 * folder's folder.
 */
export function webSeedUrlOf(url: string, landingPath: string, isSingleFile: boolean): string {
  if (url.endsWith('/')) return webSeedFileUrl(url, landingPath)
  return isSingleFile ? url : webSeedFileUrl(`${url}/`, landingPath)
}

const noSuchFile = (): ShoalError => new ShoalError('not-found', 'no such file')
