/** One kept connection to a tracker, on which announces are answered in the order in which they were sent. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Asker {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #text = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (part) => {
      this.#take(part)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the tracker closed the connection'))
    })
  }

  static async connect(port: number, localAddress = '127.0.0.1'): Promise<Asker> {
    const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true })
    await once(socket, 'connect')
    return new Asker(socket)
  }

  /** Resolves with the whole answer. @throws Error for one that names no peers. */
  ask(request: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(part: Buffer): void {
    this.#text += part.toString('latin1')
    for (;;) {
      const head = this.#text.indexOf('\r\n\r\n')
      const length = /Content-Length: (\d+)/.exec(this.#text.slice(0, Math.max(0, head)))?.[1]
      if (head === -1 || length === undefined || this.#text.length < head + 4 + Number(length)) return
      const answer = this.#text.slice(0, head + 4 + Number(length))
      this.#text = this.#text.slice(answer.length)
      const waiting = this.#waiting.shift()
      if (answer.includes('5:peers')) waiting?.resolve()
      else waiting?.reject(new Error(`no peers in the answer: ${JSON.stringify(answer.slice(0, 300))}`))
    }
  }
}
