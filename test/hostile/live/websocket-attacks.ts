/** Abuse of the tracker's WebSockets. */
import { WebSocket } from 'ws'
import type { HostileInput } from '../../support/corpus.ts'

/** How long an answer may pause before it counts as over: not everything is answered. */
const QUIET_MS = 300

function open(port: number, grant: string, localAddress: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/announce?g=${grant}`, { localAddress })
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    socket.once('open', () => resolve(socket))
    socket.once('close', () => resolve(socket))
  })
}

/** Each input as text and as binary, by a socket and from an address of its own; what was answered to it. */
export function replaySignals(
  port: number,
  inputs: readonly HostileInput[],
  grant: string,
): Promise<readonly { readonly name: string; readonly said: string }[]> {
  const replayed = inputs.map(async ({ name, bytes }, i) => {
    const socket = await open(port, grant, `127.0.7.${1 + (i % 250)}`)
    let said = ''
    await new Promise<void>((resolve) => {
      let quiet = setTimeout(resolve, QUIET_MS)
      socket.on('message', (data: Buffer) => {
        said += data.toString()
        clearTimeout(quiet)
        quiet = setTimeout(resolve, QUIET_MS)
      })
      socket.once('close', () => resolve())
      for (const binary of [false, true]) socket.send(bytes, { binary }, () => undefined)
    })
    socket.terminate()
    return { name, said }
  })
  return Promise.all(replayed)
}

/** WebSockets that never say a word; the caller's to end. */
export function silentWebSockets(port: number, count: number, grant: string): Promise<readonly WebSocket[]> {
  const opened = Array.from({ length: count }, (_, n) => open(port, grant, `127.0.8.${1 + (n % 250)}`))
  return Promise.all(opened)
}
