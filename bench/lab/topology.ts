/**
 * The network of a run: sites of hosts, each behind a WAN link of its own, and an origin behind its uplink, all in
 * network namespaces. Of one site:
 *
 *     host --LAN, shaped each way--> bridge and router of the site --WAN, shaped each way--> core <--uplink-- origin
 *
 * Tracker and portal stand beside the origin. Nothing outside reaches any of it; needs root and iproute2.
 */
import {
  addNamespace,
  freshLabName,
  hostIn,
  removeNamespace,
  type Host,
} from '../../test/support/namespaces.ts'
import { run } from '../../test/support/processes.ts'
import { bucket, type Rates } from './shape.ts'

/** What most hosts of a company run; the machine that measures may have another default. */
const CONGESTION_CONTROL = 'cubic'
const NO_IPV6 = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']
const ROUTER = [...NO_IPV6, 'net.ipv4.ip_forward=1']

export interface Topology extends Rates {
  /** A number a site. */
  readonly hostsPerSite: readonly number[]
}

/** The side of a link that sends, where its bytes are counted. */
export interface LinkEnd {
  readonly namespace: string
  readonly device: string
}

export interface LabSite {
  readonly name: string
  readonly cidr: string
  readonly hosts: readonly Host[]
  readonly wanIn: LinkEnd
  readonly wanOut: LinkEnd
}

/** Disposing of it removes every namespace; end what runs in them before. */
export class LabNetwork implements AsyncDisposable {
  readonly #name: string
  readonly #namespaces: string[] = []
  readonly #sites: LabSite[] = []
  readonly #rates: Rates
  readonly origin: Host

  private constructor(rates: Rates) {
    this.#name = freshLabName()
    this.#rates = rates
    this.origin = hostIn(this.#namespace('origin'), 'origin', '10.78.0.2')
  }

  static async create(topology: Topology): Promise<LabNetwork> {
    const network = new LabNetwork(topology)
    try {
      await network.#addCore()
      for (const [i, hosts] of topology.hostsPerSite.entries()) await network.#addSite(i + 1, hosts)
    } catch (error) {
      await network[Symbol.asyncDispose]()
      throw error
    }
    return network
  }

  get sites(): readonly LabSite[] {
    return this.#sites
  }

  get originOut(): LinkEnd {
    return { namespace: this.#namespace('origin'), device: 'eth0' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.#namespaces.splice(0).toReversed()) await removeNamespace(namespace)
  }

  #namespace(name: string): string {
    return `${this.#name}-${name}`
  }

  async #add(name: string, sysctls: readonly string[]): Promise<string> {
    const namespace = this.#namespace(name)
    await addNamespace(namespace)
    this.#namespaces.push(namespace)
    await runBatch(['ip', 'netns', 'exec', namespace, 'sysctl', '-q', '-w', ...sysctls], [])
    await ip(namespace, ['link set lo up'])
    return namespace
  }

  async #addCore(): Promise<void> {
    const { originMbit } = this.#rates
    const core = await this.#add('core', ROUTER)
    const origin = await this.#add('origin', NO_IPV6)
    await ip(core, [
      `link add to-origin type veth peer name eth0 netns ${origin}`,
      'address add 10.78.0.1/24 dev to-origin',
      'link set to-origin up',
    ])
    await ip(origin, leaf('10.78.0', 2, 1))
    await shape(core, ['to-origin'], bucket(originMbit, 'wan'))
    await shape(origin, ['eth0'], bucket(originMbit, 'wan'))
  }

  async #addSite(number: number, hostCount: number): Promise<void> {
    const { wanMbit, lanMbit } = this.#rates
    const name = `site${number}`
    const core = this.#namespace('core')
    const router = await this.#add(name, ROUTER)
    const uplink = `to-${name}`
    await ip(core, [
      `link add ${uplink} type veth peer name wan netns ${router}`,
      `address add 10.79.${number}.1/30 dev ${uplink}`,
      `link set ${uplink} up`,
      `route add 10.78.${number}.0/24 via 10.79.${number}.2`,
    ])
    await ip(router, [
      `address add 10.79.${number}.2/30 dev wan`,
      'link set wan up',
      `route add default via 10.79.${number}.1`,
      'link add lan type bridge forward_delay 0',
      `address add 10.78.${number}.254/24 dev lan`,
      'link set lan up',
    ])
    await shape(core, [uplink], bucket(wanMbit, 'wan'))
    await shape(router, ['wan'], bucket(wanMbit, 'wan'))
    const hosts: Host[] = []
    for (let i = 1; i <= hostCount; i++) {
      const hostName = `host${number}-${i}`
      const address = `10.78.${number}.${i}`
      const host = await this.#add(hostName, NO_IPV6)
      const port = `to-${i}`
      await ip(router, [
        `link add ${port} type veth peer name eth0 netns ${host}`,
        `link set ${port} master lan up`,
      ])
      await ip(host, leaf(`10.78.${number}`, i, 254))
      await shape(router, [port], bucket(lanMbit, 'lan'))
      await shape(host, ['eth0'], bucket(lanMbit, 'lan'))
      hosts.push(hostIn(host, hostName, address))
    }
    this.#sites.push({
      name,
      cidr: `10.78.${number}.0/24`,
      hosts,
      wanIn: { namespace: core, device: uplink },
      wanOut: { namespace: router, device: 'wan' },
    })
  }
}

/** A machine with one link and one router. The congestion control is that of its routes: a namespace may not set it. */
function leaf(subnet: string, number: number, router: number): readonly string[] {
  return [
    `address add ${subnet}.${number}/24 dev eth0 noprefixroute`,
    'link set eth0 up',
    `route add ${subnet}.0/24 dev eth0 src ${subnet}.${number} congctl ${CONGESTION_CONTROL}`,
    `route add default via ${subnet}.${router} congctl ${CONGESTION_CONTROL}`,
  ]
}

const ip = (namespace: string, commands: readonly string[]): Promise<void> =>
  runBatch(['ip', '-n', namespace, '-batch', '-'], commands)

const shape = (namespace: string, devices: readonly string[], how: string): Promise<void> =>
  runBatch(
    ['tc', '-n', namespace, '-batch', '-'],
    devices.map((device) => `qdisc add dev ${device} root ${how}`),
  )

async function runBatch(argv: readonly string[], commands: readonly string[]): Promise<void> {
  const input = commands.map((command) => `${command}\n`).join('')
  const ended = await run({ argv, input })
  if (ended.code !== 0) throw new Error(`$ ${argv.join(' ')}\n${input}${ended.stdout}\n${ended.stderr}`)
}
