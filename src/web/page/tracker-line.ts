/** The WebSocket to the tracker. */
import type { Line, LineHandler } from '../engine/meeting.ts'

export function trackerLine(url: string, handler: LineHandler): Line {
  const socket = new WebSocket(url)
  socket.addEventListener('open', () => {
    handler.onOpen()
  })
  socket.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'string') handler.onText(event.data)
  })
  socket.addEventListener('close', () => {
    handler.onClose()
  })
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    close: () => {
      socket.close()
    },
  }
}
