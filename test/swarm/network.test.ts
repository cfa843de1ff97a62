import { millis } from '../../src/core/units.ts'
import { tcpNetwork } from '../../src/swarm/tcp-network.ts'
import { describeNetwork } from '../contract/network.contract.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { TestCa } from '../support/devices.ts'
import { MemoryNetwork } from '../support/memory-network.ts'
import { tlsNetwork } from '../support/tls-network.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describeNetwork('TCP', () => ({
  network: tcpNetwork(),
  async until(isTrue) {
    while (!isTrue()) await turn() // mocha's timeout is the bound
  },
}))

const ca = await TestCa.make()
const [server, client] = [await ca.device(), await ca.device()]

describeNetwork('TLS over TCP', () => ({
  network: tlsNetwork(server, client),
  async until(isTrue) {
    while (!isTrue()) await turn()
  },
}))

describeNetwork('the network in memory', () => {
  const clock = new ManualClock()
  return {
    network: new MemoryNetwork(clock),
    async until(isTrue) {
      for (let i = 0; i < 100_000 && !isTrue(); i++) {
        clock.advance(millis(1))
        await turn()
      }
    },
  }
})
