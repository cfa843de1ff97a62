/** docs/library.png: the library on a desktop, small enough for a repository. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PAGES } from '../../test/support/page-list.ts'
import type { PageVisits } from '../../test/support/page-visits.ts'
import type { Places } from '../../test/support/page-world.ts'
import { runOk } from '../../test/support/processes.ts'

const BYTES_MAX = 150_000

/** Gives its size. @throws Error when it is too large. */
export async function takeReadmePicture(
  visits: PageVisits,
  { places, path, work }: { readonly places: Places; readonly path: string; readonly work: string },
): Promise<number> {
  const library = PAGES.find(({ name }) => name === 'library')
  if (library === undefined) throw new Error('there is no page called library')
  await using visit = await visits.open(library, places)
  const whole = join(work, 'library.png')
  await visit.page.screenshot({ path: whole })
  // 256 colours are enough for it, and a third of the bytes
  await runOk(['ffmpeg', '-v', 'error', '-y', '-i', whole, '-vf', 'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none', path]) // prettier-ignore
  const { size } = await stat(path)
  if (size > BYTES_MAX) throw new Error(`${path} has ${size} bytes, and ${BYTES_MAX} are the bound`)
  return size
}
