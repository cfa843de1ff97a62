/** One end of the bare stream of floor.ts: receive|send ADDRESS PORT BYTES. The receiver says `ready` and `done`. */
import { connect, createServer } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const [mode = '', host = '', port = '', bytes = ''] = process.argv.slice(2)
const total = Number(bytes)
const CHUNK = Buffer.alloc(65_536)

function* chunks(): Generator<Buffer> {
  for (let left = total; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, Math.min(left, CHUNK.length))
}

if (mode === 'send') {
  await pipeline(Readable.from(chunks()), connect(Number(port), host))
} else {
  const server = createServer((socket) => {
    let received = 0
    socket.on('data', (part) => {
      received += part.length
      if (received < total) return
      console.log('done')
      socket.end()
      server.close()
    })
  })
  server.listen(Number(port), host, () => console.log('ready'))
}
