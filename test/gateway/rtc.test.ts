import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { freeUdpPort } from '../../src/gateway/rtc.ts'

describe('the UDP port of the gateway', () => {
  const host = ipAddress('127.0.0.1')

  it('is the next free one', async () => {
    const taken = createSocket('udp4').bind(0, host)
    await once(taken, 'listening')
    const { port } = taken.address()
    try {
      assert.notEqual(await freeUdpPort(port, host).catch(() => 0), port)
    } finally {
      taken.close()
    }
  })

  it('is looked for among the ports that there are: the last may be taken', async () => {
    const taken = createSocket('udp4').bind(65_535, host)
    const isOurs = await once(taken, 'listening').then(
      () => true,
      () => false, // somebody else has it: as good
    )
    try {
      await assert.rejects(
        freeUdpPort(65_535, host),
        (error: unknown) => error instanceof ShoalError && /65535 to 65535 are all taken/.test(error.message),
      )
    } finally {
      if (isOurs) taken.close()
    }
  })
})
