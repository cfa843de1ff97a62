/** Real media files, a second or two long, made by ffmpeg; each once in a test run. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PICTURE = 'testsrc2=size=320x180:rate=10:duration=2'
const TONE = 'sine=frequency=440:duration=2'
const both = ['-f', 'lavfi', '-i', PICTURE, '-f', 'lavfi', '-i', TONE]
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
const tone = ['-f', 'lavfi', '-i', TONE]

const RECIPES = {
  'fast.mp4': [
    ...both, ...h264, '-c:a', 'aac', '-metadata', 'title=Fire  safety\n2026', '-movflags', '+faststart',
  ],
  'late.mp4': [...both, ...h264, '-c:a', 'aac'],
  'pieces.mp4': [...both, ...h264, '-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov'],
  'deep.mp4': [...both, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p', '-c:a', 'aac', '-movflags', '+faststart'],
  'hevc.mp4': [...both, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none', '-c:a', 'ac3', '-movflags', '+faststart'],
  'film.webm': [...both, '-c:v', 'libvpx', '-c:a', 'libvorbis'],
  'film.mkv': [...both, ...h264, '-c:a', 'aac'],
  'film.ts': [...both, ...h264, '-c:a', 'aac'],
  'talk.mp3': [...tone, '-c:a', 'libmp3lame'],
  'talk.wav': [...tone],
  'talk.flac': [...tone],
  'talk.ogg': [...tone, '-c:a', 'libvorbis'],
} as const satisfies Record<string, readonly string[]> // prettier-ignore
export type MediaName = keyof typeof RECIPES

let folder: string | undefined

/** The path of one; read only. */
export function mediaFile(name: MediaName): string {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'shoal-media-'))
    const made = folder
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  }
  const path = join(folder, name)
  if (isMade.has(name)) return path
  makeMedia(path, RECIPES[name])
  isMade.add(name)
  return path
}

const isMade = new Set<MediaName>()

/** What ffmpeg makes of these arguments, at `path`. */
export function makeMedia(path: string, recipe: readonly string[]): void {
  const made = spawnSync('ffmpeg', ['-nostdin', '-y', '-loglevel', 'error', ...recipe, `file:${path}`], {
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(`ffmpeg: ${made.stderr}`)
}
