/** A title made of names of files, for its publisher to mend. Pure. */
import { limits } from '../../wire/limits.ts'
import { topOf } from './upload-folder.ts'

/** Of a file without its ending, of the folder that they are all in, or of the first of them. */
export function titleOf(...paths: readonly string[]): string {
  const [first = ''] = paths
  const isFolder = paths.length > 1 || first.includes('/')
  const name = isFolder ? (topOf(paths) ?? lastPart(first)) : first
  const words = lastPart(name)
    .replace(/\.[A-Za-z0-9]{1,5}$/, '')
    .replaceAll(/[\s_+]+/g, ' ')
    .trim()
  const text = words === '' ? lastPart(name) : words
  return (text.charAt(0).toUpperCase() + text.slice(1)).slice(0, limits.titleCharsMax)
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
