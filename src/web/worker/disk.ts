/**
 * Pieces of the film in a file of the browser's own (OPFS), which only a thread may read and write in place. The file is this
 * page's alone, and is removed when the page goes; what could not be then, the next page removes, or signing out.
 */
import type { DiskReply, DiskRequest } from './disk-messages.ts'

declare const self: DedicatedWorkerGlobalScope

const FOLDER = 'shoal-watched'
let file: FileSystemSyncAccessHandle | undefined
let fileName = ''

self.onmessage = (event: MessageEvent<DiskRequest>) => {
  const request = event.data
  if (request.kind === 'remove') void remove()
  else if (request.kind === 'open') void open(request.name).then((isOpen) => tell({ kind: 'opened', isOpen }))
  else tell(carryOut(request))
}

function tell(reply: DiskReply): void {
  const bytes = reply.kind === 'done' ? reply.bytes : undefined
  self.postMessage(reply, bytes === undefined ? [] : [bytes.buffer])
}

async function open(name: string): Promise<boolean> {
  try {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(FOLDER, { create: true })
    await removeOthers(folder)
    const handle = await folder.getFileHandle(name, { create: true })
    file = await handle.createSyncAccessHandle()
    fileName = name
    return true
  } catch {
    return false // private windows, and browsers without it
  }
}

async function remove(): Promise<void> {
  file?.truncate(0) // at once: there may be no time for the rest
  file?.close()
  file = undefined
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle(FOLDER)
  await folder.removeEntry(fileName)
}

/** One that is open in another window cannot be removed, and stays. */
async function removeOthers(folder: FileSystemDirectoryHandle): Promise<void> {
  const names: string[] = []
  for await (const name of folder.keys()) names.push(name)
  await Promise.allSettled(names.map((name) => folder.removeEntry(name)))
}

function carryOut(request: Exclude<DiskRequest, { kind: 'open' | 'remove' }>): DiskReply {
  const { id, at } = request
  try {
    if (file === undefined) throw new Error('no file is open')
    if (request.kind === 'put') {
      const written = file.write(request.bytes, { at })
      if (written !== request.bytes.length) throw new Error('the disk is full')
      return { kind: 'done', id }
    }
    const bytes = new Uint8Array(request.length)
    const read = file.read(bytes, { at })
    if (read !== request.length) throw new Error('it is not there')
    return { kind: 'done', id, bytes }
  } catch (error) {
    return { kind: 'failed', id, reason: error instanceof Error ? error.message : String(error) }
  }
}
