/** Whether anybody accepts TCP connections somewhere. Nothing is sent, and a connection is closed as it opens. */
import { connect } from 'node:net'
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { Millis } from '../core/units.ts'

/** `refused`: a machine is there and says no. `silent`: nobody says anything, as behind most firewalls. */
export type DialOutcome = 'open' | 'refused' | 'silent'

export type DialProbe = (at: Endpoint, timeout: Millis, from?: IpAddress) => Promise<DialOutcome>

export const probeByDialling: DialProbe = ({ host, port }, timeout, from) =>
  new Promise((resolve) => {
    const socket = connect({ host, port, ...(from !== undefined && { localAddress: from }) })
    const settle = (outcome: DialOutcome): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      settle('silent')
    }, timeout)
    socket.on('connect', () => {
      settle('open')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      settle(error.code === 'ECONNREFUSED' ? 'refused' : 'silent')
    })
  })
