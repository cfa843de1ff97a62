/**
 * What the server's side sent to each browser, by its kernel: apart what went over TCP (the portal and its files) and over UDP (the
 * gateway's data channels). Counted where it enters the browser's site, on the way from the site's router to its bridge:
 * what viewers of a site send to each other does not pass there. Without headers, as `bench/lab/counters.ts` says; what a
 * browser had from others is what came to it but was not the server's; pages of one browser do not send over its link.
 */
import { runOk } from '../../test/support/processes.ts'
import { countLinks, type Carried } from '../lab/counters.ts'
import type { LabHost, LabNetwork } from '../lab/topology.ts'

/** Ethernet 14, IPv4 20, TCP 20 and its timestamps 12. */
const TCP_HEADER_BYTES = 66
/** Ethernet 14, IPv4 20, UDP 8, DTLS 37, SCTP 12 and its chunk 16: an acknowledgement alone comes to nothing, nearly. */
const CHANNEL_HEADER_BYTES = 107
/** Minor numbers of classes: these and the last byte of the browser's address. */
const CLASS = { tcp: 0x100, udp: 0x200, others: 0xfff } as const
const MAJOR = 1
const UDP = 17
/** In a frame with an IPv4 header: its protocol, who sent it, the last byte of who gets it. */
const AT = { protocol: 23, source: 26, lastOfDestination: 33 } as const
const OP = { loadWord: 32, loadByte: 48, or: 68, ifEqual: 21, answer: 6, answerSum: 22 } as const

export interface Metered {
  /** By TCP: files and pages. */
  readonly server: number
  /** By the data channels of the gateway. */
  readonly gateway: number
  readonly others: number
}

export interface Counted {
  /** Of each browser, in the order of their hosts. */
  readonly browsers: readonly Metered[]
  /** What the server's link carried, headers taken off: also what was lost behind it. */
  readonly serverSentBytes: number
  readonly serverWireBytes: number
}

interface Traffic {
  readonly bytes: number
  readonly packets: number
}

export class Meters {
  readonly #network: LabNetwork
  readonly #hosts: readonly LabHost[]

  private constructor(network: LabNetwork, hosts: readonly LabHost[]) {
    this.#network = network
    this.#hosts = hosts
  }

  static async install(network: LabNetwork, hosts: readonly LabHost[]): Promise<Meters> {
    for (const site of network.sites) {
      const router = site.wanOut.namespace
      const tc = (...args: readonly string[]): Promise<string> => runOk(['tc', '-n', router, ...args])
      const numbers = site.hosts.map(({ address }) => lastByte(address))
      const classes = numbers.flatMap((number) => [CLASS.tcp + number, CLASS.udp + number])
      await tc(
        'qdisc',
        'add',
        'dev',
        'lan',
        'root',
        'handle',
        `${MAJOR}:`,
        'htb',
        'default',
        hex(CLASS.others),
      )
      for (const minor of [CLASS.others, ...classes])
        // Faster than any link here: it counts, and holds nothing back.
        await tc(
          ...`class add dev lan parent ${MAJOR}: classid ${MAJOR}:${hex(minor)} htb`.split(' '),
          ...RATE,
        )
      const program = programOf(network.origin.address)
      const filter = `filter add dev lan parent ${MAJOR}: protocol ip prio 1 bpf bytecode`
      await tc(...filter.split(' '), program)
    }
    return new Meters(network, hosts)
  }

  async count(): Promise<Counted> {
    const links = await countLinks(this.#network)
    const bySite = await Promise.all(this.#network.sites.map(({ wanOut }) => trafficIn(wanOut.namespace)))
    const all = this.#network.sites.flatMap(({ hosts }) => hosts)
    let headers = 0
    const browsers = this.#hosts.map((host) => {
      const traffic = bySite[host.plan.site]
      const of = (kind: 'tcp' | 'udp'): Traffic =>
        traffic?.get(CLASS[kind] + lastByte(host.address)) ?? { bytes: 0, packets: 0 }
      const [tcp, udp] = [of('tcp'), of('udp')]
      headers += tcp.packets * TCP_HEADER_BYTES + udp.packets * CHANNEL_HEADER_BYTES
      const carried = links.hostIn[all.findIndex(({ name }) => name === host.name)]
      return {
        server: Math.max(0, tcp.bytes - tcp.packets * TCP_HEADER_BYTES),
        gateway: Math.max(0, udp.bytes - udp.packets * CHANNEL_HEADER_BYTES),
        others: othersOf(carried, tcp, udp),
      }
    })
    return {
      browsers,
      serverSentBytes: links.origin.wireBytes - headers,
      serverWireBytes: links.origin.wireBytes,
    }
  }
}

const RATE = ['rate', '10gbit', 'burst', '1mb', 'quantum', '60000']

/** What came and was not the server's is of data channels: viewers have no other way to each other. */
function othersOf(carried: Carried | undefined, tcp: Traffic, udp: Traffic): number {
  if (carried === undefined) return 0
  const bytes = carried.wireBytes - tcp.bytes - udp.bytes
  const packets = carried.packets - tcp.packets - udp.packets
  return Math.max(0, bytes - packets * CHANNEL_HEADER_BYTES)
}

/** What was counted since. */
export function countedSince(before: Counted, now: Counted): Counted {
  return {
    browsers: now.browsers.map((browser, i) => {
      const then = before.browsers[i]
      return {
        server: browser.server - (then?.server ?? 0),
        gateway: browser.gateway - (then?.gateway ?? 0),
        others: browser.others - (then?.others ?? 0),
      }
    }),
    serverSentBytes: now.serverSentBytes - before.serverSentBytes,
    serverWireBytes: now.serverWireBytes - before.serverWireBytes,
  }
}

/** Classic BPF that gives a frame of the server its class; 0 leaves it to the default. */
function programOf(server: string): string {
  const source = server.split('.').reduce((number, byte) => number * 256 + Number(byte), 0)
  const lines = [
    [OP.loadWord, 0, 0, AT.source],
    [OP.ifEqual, 1, 0, source],
    [OP.answer, 0, 0, 0],
    [OP.loadByte, 0, 0, AT.protocol],
    [OP.ifEqual, 0, 3, UDP],
    [OP.loadByte, 0, 0, AT.lastOfDestination],
    [OP.or, 0, 0, (MAJOR << 16) | CLASS.udp],
    [OP.answerSum, 0, 0, 0],
    [OP.loadByte, 0, 0, AT.lastOfDestination],
    [OP.or, 0, 0, (MAJOR << 16) | CLASS.tcp],
    [OP.answerSum, 0, 0, 0],
  ]
  return [lines.length, ...lines.map((line) => line.join(' '))].join(',')
}

/** By the minor number of the class. */
async function trafficIn(router: string): Promise<ReadonlyMap<number, Traffic>> {
  return classesIn(await runOk(['tc', '-n', router, '-s', 'class', 'show', 'dev', 'lan']))
}

/** What `tc -s class show` prints: this part of tc knows no JSON. */
export function classesIn(text: string): ReadonlyMap<number, Traffic> {
  const found = text.matchAll(/^class htb \d+:([0-9a-f]+) [^]*?Sent (\d+) bytes (\d+) pkt/gm)
  return new Map(
    Array.from(found, ([, minor = '', bytes, packets]) => [
      Number.parseInt(minor, 16),
      { bytes: Number(bytes), packets: Number(packets) },
    ]),
  )
}

const hex = (n: number): string => n.toString(16)
const lastByte = (address: string): number => Number(address.split('.')[3])
