/** Connections of the browser: one data channel each, ordered and reliable, which carries a plain stream of bytes. */
import type { Channel, ChannelHandler } from '../engine/channel.ts'
import type { Offered, Rtc } from '../engine/meeting.ts'
import { sdpOf, type Sdp } from '../../wire/sdp.ts'

/** Addresses that are known by then are enough: one that comes later is a way round, not the way. */
const GATHER_MS = 1_500
/** From the answer to an open channel. */
const CONNECT_MS = 20_000
const LOW_WATER_BYTES = 64 * 1_024
/** What browsers agree to send as one message. */
const FRAME_BYTES = 64 * 1_024

export function browserRtc(iceServers: readonly RTCIceServer[]): Rtc {
  const connection = (): RTCPeerConnection => new RTCPeerConnection({ iceServers: [...iceServers] })
  return {
    async offer(): Promise<Offered> {
      const pc = connection()
      try {
        const data = pc.createDataChannel('shoal', { ordered: true })
        await pc.setLocalDescription(await pc.createOffer())
        return {
          sdp: await gathered(pc),
          close: () => {
            pc.close()
          },
          accept: async (answer) => {
            await pc.setRemoteDescription({ type: 'answer', sdp: answer })
            return await opened(pc, data, true)
          },
        }
      } catch (error) {
        pc.close()
        throw error
      }
    },
    async answer(offer) {
      const pc = connection()
      try {
        const channel = new Promise<RTCDataChannel>((resolve) => {
          pc.addEventListener('datachannel', (event) => resolve(event.channel), { once: true })
        })
        await pc.setRemoteDescription({ type: 'offer', sdp: offer })
        await pc.setLocalDescription(await pc.createAnswer())
        return { sdp: await gathered(pc), channel: inTime(pc, channel) }
      } catch (error) {
        pc.close()
        throw error
      }
    },
  }
}

/** What is said of this machine, with all its addresses, or those that are known in time. */
async function gathered(pc: RTCPeerConnection): Promise<Sdp> {
  if (pc.iceGatheringState !== 'complete')
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS)
      pc.addEventListener('icegatheringstatechange', () => {
        if (pc.iceGatheringState !== 'complete') return
        clearTimeout(timer)
        resolve()
      })
    })
  return sdpOf(pc.localDescription?.sdp ?? '')
}

async function inTime(pc: RTCPeerConnection, coming: Promise<RTCDataChannel>): Promise<Channel> {
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), CONNECT_MS))
  const data = await Promise.race([coming, late])
  if (data !== undefined) return await opened(pc, data, false)
  pc.close()
  throw new Error('no connection in time')
}

/** @throws Error when the two do not find each other. */
async function opened(pc: RTCPeerConnection, data: RTCDataChannel, isOffered: boolean): Promise<Channel> {
  const channel = new DataChannel(pc, data, isOffered)
  if (data.readyState !== 'open')
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => {
        clearTimeout(timer)
        pc.close()
        reject(new Error('no connection in time'))
      }
      const timer = setTimeout(fail, CONNECT_MS)
      data.addEventListener('open', () => {
        clearTimeout(timer)
        resolve()
      })
      data.addEventListener('close', fail, { once: true })
      pc.addEventListener('connectionstatechange', () => {
        if (pc.connectionState === 'failed') fail()
      })
    })
  await channel.findAddress()
  return channel
}

class DataChannel implements Channel {
  readonly isOffered: boolean
  readonly #pc: RTCPeerConnection
  readonly #data: RTCDataChannel
  #handler: ChannelHandler | undefined
  /** What came before somebody listened. */
  #early: Uint8Array[] = []
  #isClosed = false
  #address: string | undefined

  constructor(pc: RTCPeerConnection, data: RTCDataChannel, isOffered: boolean) {
    this.#pc = pc
    this.#data = data
    this.isOffered = isOffered
    data.binaryType = 'arraybuffer'
    data.bufferedAmountLowThreshold = LOW_WATER_BYTES
    data.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (event.data instanceof ArrayBuffer) this.#receive(new Uint8Array(event.data))
      else this.close() // text: no peer of ours
    })
    data.addEventListener('bufferedamountlow', () => this.#handler?.onDrain())
    data.addEventListener('close', () => {
      this.close()
    })
    pc.addEventListener('connectionstatechange', () => {
      if (pc.connectionState === 'failed' || pc.connectionState === 'closed') this.close()
    })
  }

  /** Of the pair that the connection runs over; none where the browser does not tell. */
  get addresses(): readonly string[] {
    const address = tellsPair(this.#pc)
      ? this.#pc.sctp?.transport.iceTransport.getSelectedCandidatePair()?.remote.address
      : this.#address
    return address === undefined || address === null ? [] : [address]
  }

  /** Once it is open, for browsers that tell it in their statistics alone. */
  async findAddress(): Promise<void> {
    if (!tellsPair(this.#pc)) this.#address = await this.#pc.getStats().then(addressIn, () => undefined)
  }

  get queuedBytes(): number {
    return this.#data.bufferedAmount
  }

  setHandler(handler: ChannelHandler): void {
    this.#handler = handler
    for (const bytes of this.#early.splice(0)) handler.onBytes(bytes)
    if (this.#isClosed) handler.onClose()
  }

  send(bytes: Uint8Array): void {
    if (this.#data.readyState !== 'open') return
    // none of ours is shared memory
    const own = bytes as Uint8Array<ArrayBuffer>
    try {
      for (let at = 0; at < own.length; at += FRAME_BYTES) this.#data.send(own.subarray(at, at + FRAME_BYTES))
    } catch {
      this.close() // the browser's queue is full: half a message is none
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#pc.close()
    this.#handler?.onClose()
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isClosed) return
    if (this.#handler !== undefined) this.#handler.onBytes(bytes)
    else if (this.#early.length < EARLY_FRAMES_MAX) this.#early.push(bytes)
    else this.close()
  }
}

/** Firefox (153) does not, though W3C WebRTC 1.0, 5.6.2 has it. */
function tellsPair(pc: RTCPeerConnection): boolean {
  const transport = pc.sctp?.transport.iceTransport
  return transport !== undefined && 'getSelectedCandidatePair' in transport
}

/** The other end of the pair in use (W3C webrtc-stats, `RTCIceCandidatePairStats`); undefined where it has a name alone. */
function addressIn(stats: RTCStatsReport): string | undefined {
  const all = [...(stats as unknown as Map<string, Readonly<Record<string, unknown>>>).values()]
  const pair = all.find((one) => one['type'] === 'candidate-pair' && one['state'] === 'succeeded' && one['nominated'] === true) // prettier-ignore
  const remote = all.find(({ id }) => id !== undefined && id === pair?.['remoteCandidateId'])
  const address = remote?.['address']
  return typeof address === 'string' && address !== '' ? address : undefined
}

/** A handshake and a bitfield are two. */
const EARLY_FRAMES_MAX = 16
