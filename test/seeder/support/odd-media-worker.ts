/** In place of the worker that reads media: does what the name of the file says. */
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (path: string) => {
  if (path.includes('hangs')) for (;;);
  if (path.includes('eats')) {
    const all: object[] = []
    for (;;) all.push({ n: all.length })
  }
  if (path.includes('throws')) throw new Error('a bug')
  if (path.includes('ends')) process.exit(0)
  const found = { format: 'WAVE', audio: { codec: 'pcm-s16' }, durationSeconds: 1 }
  parentPort?.postMessage({ found })
})
