/** A thread that reads media files, one after the other, until it is ended. */
import { parentPort } from 'node:worker_threads'
import type { Container } from './container.ts'
import { readContainer } from './read-container.ts'

export interface MediaAnswer {
  /** Undefined: not one that we can read. */
  readonly found: Container | undefined
}

parentPort?.on('message', (path: string) => {
  void answer(path).then((said) => parentPort?.postMessage(said))
})

async function answer(path: string): Promise<MediaAnswer> {
  try {
    return { found: await readContainer(path) }
  } catch {
    return { found: undefined } // the readers of formats throw all sorts of things
  }
}
