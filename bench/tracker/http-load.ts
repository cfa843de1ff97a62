/** Announces over HTTP as texts on bare sockets, so that the load costs less than what it measures. */
import { connect, type Socket } from 'node:net'

const CONNECTIONS = 128

/** Sends all requests, round by round; each must be answered with peers. */
export async function loadHttp(port: number, requests: readonly string[], rounds: number): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    let socket: Socket | undefined
    while (next < rounds * requests.length) {
      socket ??= connect({ host: '127.0.0.1', port, noDelay: true })
      const isOpen = await exchange(socket, requests[next++ % requests.length] ?? '')
      if (!isOpen) socket = undefined
    }
    socket?.destroy()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
}

/** One request and its whole answer; false when the server then closes. */
function exchange(socket: Socket, request: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let text = ''
    const finish = (isOpen: boolean): void => {
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      if (!isOpen) socket.destroy()
      if (text.includes('5:peers')) resolve(isOpen)
      else reject(new Error(`no peers in the answer: ${JSON.stringify(text.slice(0, 300))}`))
    }
    socket.on('data', (part) => {
      text += part.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = /content-length: *(\d+)/i.exec(text)?.[1]
      if (head === -1 || length === undefined || text.length < head + 4 + Number(length)) return
      // The answer is whole; whether the server closes is its header's to say.
      if (/connection: *keep-alive/i.test(text.slice(0, head))) finish(true)
    })
    socket.on('close', () => {
      finish(false)
    })
    socket.on('error', reject)
    socket.write(request)
  })
}
