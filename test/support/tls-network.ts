/** TCP with every connection inside TLS between two devices: what the engine sees behind the handshake. */
import { tcpNetwork } from '../../src/swarm/tcp-network.ts'
import type { Connection, Network } from '../../src/swarm/network.ts'
import type { DeviceIdentity } from '../../src/wire/certified-device.ts'

async function secured(connection: Connection, identity: DeviceIdentity): Promise<Connection> {
  if (connection.secure === undefined) throw new Error('this network has no TLS')
  return (await connection.secure(identity)).connection
}

export function tlsNetwork(server: DeviceIdentity, client: DeviceIdentity): Network {
  const tcp = tcpNetwork()
  return {
    async listen(at, onConnection) {
      return await tcp.listen(at, (connection) => {
        secured(connection, server).then(onConnection, () => undefined)
      })
    },
    async dial(to, from, signal) {
      return await secured(await tcp.dial(to, from, signal), client)
    },
  }
}
