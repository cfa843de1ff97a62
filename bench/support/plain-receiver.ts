/** The simplest server that writes what it gets into a file: `node plain-receiver.ts FILE`; prints its port. */
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'

const file = process.argv[2] ?? ''
const server = createServer((req, res) => {
  pipeline(req, createWriteStream(file, { flush: true })).then(
    () => res.end(),
    (error: unknown) => res.destroy(error as Error),
  )
})
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : '')
})
