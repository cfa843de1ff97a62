/** Requests over kept connections, so many at a time, each timed. */
import { Agent, request } from 'node:http'

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly token?: string
  /** Of a session, in place of a token. */
  readonly cookie?: string
  /** JSON. */
  readonly body?: string
}

export interface Reply {
  readonly status: number
  readonly body: string
  readonly ms: number
}

export class HttpLoad implements Disposable {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true })

  constructor(port: number) {
    this.#port = port
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  send(ask: Ask): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const start = performance.now()
      const sent = request(
        {
          agent: this.#agent,
          host: '127.0.0.1',
          port: this.#port,
          method: ask.method ?? 'GET',
          path: ask.path,
          headers: {
            ...(ask.token === undefined ? {} : { authorization: `Bearer ${ask.token}` }),
            ...(ask.cookie === undefined ? {} : { cookie: ask.cookie }),
            ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
          },
        },
        (res) => {
          const parts: Buffer[] = []
          res.on('data', (part: Buffer) => parts.push(part))
          res.on('error', reject)
          res.on('end', () => {
            const body = Buffer.concat(parts).toString()
            resolve({ status: res.statusCode ?? 0, body, ms: performance.now() - start })
          })
        },
      )
      sent.on('error', reject)
      sent.end(ask.body)
    })
  }

  /** All of them, `concurrency` at a time. @throws Error for an answer that is no success. */
  async sendAll(asks: readonly Ask[], concurrency: number): Promise<readonly Reply[]> {
    const replies: Reply[] = []
    let next = 0
    const worker = async (): Promise<void> => {
      for (let ask = asks[next++]; ask !== undefined; ask = asks[next++]) {
        const reply = await this.send(ask)
        if (reply.status >= 300) throw new Error(`${ask.path}: ${reply.status} ${reply.body.slice(0, 300)}`)
        replies.push(reply)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    return replies
  }
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN
}

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits))
