/**
 * What of a process's heap is in use once all garbage is collected: asked over the inspector, since the heap that V8
 * reports by itself goes up and down by tens of MiB between two collections.
 */
import { once } from 'node:events'

export class LiveHeap implements Disposable {
  readonly #socket: WebSocket
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** `port`: of a process that was started with `--inspect=127.0.0.1:port`. */
  static async connect(port: number): Promise<LiveHeap> {
    const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string
    }[]
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
    await once(socket, 'open')
    return new LiveHeap(socket)
  }

  /** Collects all garbage, which stops the process for a tenth of a second. */
  async bytes(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage')
    return (await this.#call('Runtime.getHeapUsage')).usedSize ?? NaN
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }

  #call(method: string): Promise<{ usedSize?: number }> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const onMessage = (event: MessageEvent): void => {
        const answer = JSON.parse(String(event.data)) as { id?: number; result?: { usedSize?: number } }
        if (answer.id !== id) return
        this.#socket.removeEventListener('message', onMessage)
        this.#socket.removeEventListener('close', onClose)
        resolve(answer.result ?? {})
      }
      const onClose = (): void => {
        reject(new Error('the process has gone'))
      }
      this.#socket.addEventListener('message', onMessage)
      this.#socket.addEventListener('close', onClose)
      this.#socket.send(JSON.stringify({ id, method }))
    })
  }
}
