/** What every page looks like: one answer, since a page is not shown before all of its style is there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RequestHandler } from 'express'

const PICO = join(import.meta.dirname, '../../../node_modules/@picocss/pico/css')
const OURS = join(import.meta.dirname, '../style')
/** Each builds on those before it. */
const FILES = [
  join(PICO, 'pico.min.css'),
  join(OURS, 'shoal.css'),
  join(OURS, 'library.css'),
  join(OURS, 'watch.css'),
]

export const readPageStyle = async (): Promise<string> =>
  (await Promise.all(FILES.map((file) => readFile(file, 'utf8')))).join('\n')

/** Read once. */
export function pageStyle({ maxAgeSeconds }: { readonly maxAgeSeconds: number }): RequestHandler {
  let style: Promise<string> | undefined
  return async (_req, res) => {
    style ??= readPageStyle().catch((error: unknown) => {
      style = undefined // or every page would be without it from now on
      throw error
    })
    res
      .set('cache-control', `public, max-age=${maxAgeSeconds}`)
      .type('css')
      .send(await style)
  }
}
