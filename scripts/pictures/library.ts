/** A library that looks like one: short films made by ffmpeg (without it, bytes), slides, images of disks. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { seededBytes } from '../../test/support/tree.ts'

export interface Item {
  readonly title: string
  readonly description: string
  readonly tags: readonly string[]
  /** Colours of its film. */
  readonly colours?: readonly [string, string]
  readonly seconds?: number
  readonly audience?: readonly string[]
}

export const ITEMS: readonly Item[] = [
  {
    title: 'Fire safety 2026',
    description:
      'What to do when the alarm rings, where to meet, and how to use the new extinguishers. Please watch it before your first shift.',
    tags: ['safety', 'mandatory', 'english'],
    colours: ['0xb3362b', '0xf0a04b'],
    seconds: 860,
  },
  {
    title: 'Workstation image 26.1',
    description:
      'The image for all workstations, with the printer drivers of spring. Install it over the one before; home folders stay.',
    tags: ['software'],
  },
  {
    title: 'Forklift refresher',
    description: 'Three short films: checks before the shift, driving with a load, and charging.',
    tags: ['safety', 'english'],
    colours: ['0x25607a', '0x9fd3c7'],
    seconds: 665,
  },
  {
    title: 'Welcome to the company',
    description: 'Who we are, who helps with what, and your first week.',
    tags: ['onboarding', 'english', 'french'],
    colours: ['0x4a3a8c', '0xd9a5c7'],
    seconds: 570,
  },
  {
    title: 'Town hall, October',
    description: 'The recording with the questions and answers. Chapters are in the description of the file.',
    tags: ['recording'],
    colours: ['0x1f3b57', '0x7fa8c9'],
    seconds: 1560,
  },
  {
    title: 'Phishing awareness',
    description: 'Ten letters, three of them real. How to tell, and whom to tell.',
    tags: ['security', 'mandatory'],
    colours: ['0x2e6b3f', '0xcfe3a1'],
    seconds: 495,
  },
  {
    title: 'Minutes of the board',
    description: 'Slides and recording of the last meeting.',
    tags: ['board'],
    audience: ['board'],
  },
]

/** Films of some minutes with a picture a second, other files of a few megabytes. True where there are films. */
export async function fillLibrary(folder: string): Promise<boolean> {
  await mkdir(folder, { recursive: true })
  let hasFilms = false
  for (const [i, { title, colours, seconds = 8 }] of ITEMS.entries()) {
    const inside = join(folder, title)
    await mkdir(inside)
    await writeFile(join(inside, 'Handout.pdf'), seededBytes(`handout of ${title}`, 300_000 + i * 77_000))
    if (colours === undefined) {
      await writeFile(join(inside, `${title}.img`), seededBytes(title, 12_500_000 + i * 1_300_000))
      continue
    }
    const film = join(inside, `${title}.mp4`)
    const isMade = await makeFilm(film, colours, seconds)
    if (!isMade) await writeFile(film, seededBytes(title, 1_500_000))
    hasFilms ||= isMade
  }
  return hasFilms
}

/** False without ffmpeg. */
async function makeFilm(
  path: string,
  [one, two]: readonly [string, string],
  seconds: number,
): Promise<boolean> {
  const source = `gradients=size=640x360:rate=1:c0=${one}:c1=${two}:speed=0.02:duration=${seconds}`
  const sound = `sine=frequency=330:duration=${seconds}`
  const coded = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest', '-movflags', '+faststart'] // prettier-ignore
  try {
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, '-f', 'lavfi', '-i', sound, ...coded, path]) // prettier-ignore
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
