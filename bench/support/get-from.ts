/** One plain HTTP request over a connection of its own from a loopback address: as stock clients announce. */
import { connect } from 'node:net'

/** All that is answered, its head included. */
export function getFrom(port: number, localAddress: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    socket.setEncoding('latin1')
    socket.on('data', (part: string) => (text += part))
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
  })
}
