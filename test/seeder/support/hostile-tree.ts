/** Makes the trees that `test/hostile/corpus/publish` describes. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { z } from 'zod'

const zEntry = z.strictObject({
  /** Below the tree, or in hex where it is no UTF-8. */
  path: z.string().optional(),
  pathHex: z.string().optional(),
  kind: z.enum(['file', 'folder', 'link', 'fifo', 'socket', 'device']),
  /** Of a file. */
  sizeBytes: z.number().optional(),
  text: z.string().optional(),
  /** Of a link. */
  target: z.string().optional(),
  /** So many of them, with a number behind the path. */
  count: z.number().optional(),
})
const zHostileTree = z.strictObject({
  is: z.string(),
  entries: z.array(zEntry),
  /** Parts of the sentence with which it is refused; empty when it is published. */
  refusal: z.array(z.string()),
})
export type HostileTree = z.infer<typeof zHostileTree>

const CORPUS = join(import.meta.dirname, '../../hostile/corpus/publish')

export function hostileTrees(): HostileTree[] {
  return readdirSync(CORPUS)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => zHostileTree.parse(JSON.parse(readFileSync(join(CORPUS, name), 'utf8'))))
}

/** Makes it at `root`, a folder that exists. What is returned closes sockets. */
export async function makeHostileTree(root: string, tree: HostileTree): Promise<AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  for (const entry of tree.entries)
    for (let n = 0; n < (entry.count ?? 1); n++) {
      const suffix = entry.count === undefined ? '' : String(n)
      const path =
        entry.pathHex === undefined
          ? join(root, `${entry.path ?? ''}${suffix}`)
          : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(entry.pathHex, 'hex')])
      await makeEntry(path, entry, stack)
    }
  return stack
}

async function makeEntry(
  path: string | Buffer,
  entry: z.infer<typeof zEntry>,
  stack: AsyncDisposableStack,
): Promise<void> {
  if (typeof path === 'string') mkdirSync(dirname(path), { recursive: true })
  switch (entry.kind) {
    case 'file':
      writeFileSync(path, entry.text ?? '')
      if (entry.sizeBytes !== undefined) truncateSync(path.toString(), entry.sizeBytes)
      break
    case 'folder':
      mkdirSync(path, { recursive: true })
      break
    case 'link':
      symlinkSync(entry.target ?? '', path)
      break
    case 'fifo':
      execFileSync('mkfifo', [path.toString()])
      break
    case 'device':
      execFileSync('mknod', [path.toString(), 'c', '1', '3'])
      break
    case 'socket': {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(path.toString(), resolve))
      stack.defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
    }
  }
}
