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
  type NamespaceHost,
} from '../../test/support/namespaces.ts'
import { run } from '../../test/support/processes.ts'
import { DROP_INCOMING_CONNECTIONS } from './closed-host.ts'
import { rulesOf } from './cuts.ts'
import type { Cut, HostPlan, LabPlan, PlacedHost, SitePlan } from './plan.ts'
import { bucket } from './shape.ts'

/** What most hosts of a company run; the machine that measures may have another default. */
const CONGESTION_CONTROL = 'cubic'
const NO_IPV6 = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']
const ROUTER = [...NO_IPV6, 'net.ipv4.ip_forward=1']

/** The side of a link that sends, where its bytes are counted. */
export interface LinkEnd {
  readonly namespace: string
  readonly device: string
}

export const ORIGIN_ADDRESS = '10.78.0.2'

export interface LabHost extends NamespaceHost {
  readonly plan: PlacedHost
  /** What goes to it. */
  readonly linkIn: LinkEnd
}

export interface LabSite {
  readonly name: string
  readonly cidr: string
  readonly hosts: readonly LabHost[]
  readonly wanIn: LinkEnd
  readonly wanOut: LinkEnd
}

/** Disposing of it removes every namespace; end what runs in them before. */
export class LabNetwork implements AsyncDisposable {
  readonly #name: string
  readonly #namespaces: string[] = []
  readonly #sites: LabSite[] = []
  readonly origin: NamespaceHost

  private constructor() {
    this.#name = freshLabName()
    this.origin = hostIn(this.#namespace('origin'), 'origin', ORIGIN_ADDRESS)
  }

  static async create(plan: Pick<LabPlan, 'originMbit' | 'sites'>): Promise<LabNetwork> {
    const network = new LabNetwork()
    try {
      await network.#addCore(plan.originMbit)
      for (const [i, site] of plan.sites.entries()) await network.#addSite(i, site)
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

  /** Nothing passes where the cut is, and nobody is told so, until it is mended. */
  async cut(cut: Cut): Promise<void> {
    await this.#changeRules('add', cut)
  }

  async mend(cut: Cut): Promise<void> {
    await this.#changeRules('del', cut)
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

  async #changeRules(verb: 'add' | 'del', cut: Cut): Promise<void> {
    const rules = rulesOf(
      cut,
      this.#sites.map(({ cidr }) => cidr),
    )
    await ip(
      this.#namespace('core'),
      rules.map((rule) => `rule ${verb} ${rule}`),
    )
  }

  async #addCore(originMbit: number): Promise<void> {
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

  async #addSite(index: number, { wanMbit, hosts: plans }: SitePlan): Promise<void> {
    const number = index + 1
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
    const hosts: LabHost[] = []
    for (const [i, plan] of plans.entries()) hosts.push(await this.#addHost(router, index, i + 1, plan))
    this.#sites.push({
      name,
      cidr: `10.78.${number}.0/24`,
      hosts,
      wanIn: { namespace: core, device: uplink },
      wanOut: { namespace: router, device: 'wan' },
    })
  }

  async #addHost(router: string, site: number, number: number, plan: HostPlan): Promise<LabHost> {
    const subnet = `10.78.${site + 1}`
    const name = `host${site + 1}-${number}`
    const host = await this.#add(name, NO_IPV6)
    const port = `to-${number}`
    await ip(router, [
      `link add ${port} type veth peer name eth0 netns ${host}`,
      `link set ${port} master lan up`,
    ])
    await ip(host, leaf(subnet, number, 254))
    await shape(router, [port], bucket(plan.lanMbit, 'lan'))
    await shape(host, ['eth0'], bucket(plan.lanMbit, 'lan'))
    if (!plan.acceptsConnections) await runBatch(tc(host), DROP_INCOMING_CONNECTIONS)
    const linkIn = { namespace: router, device: port }
    return { ...hostIn(host, name, `${subnet}.${number}`), plan: { ...plan, site }, linkIn }
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

const tc = (namespace: string): readonly string[] => ['tc', '-n', namespace, '-batch', '-']

const shape = (namespace: string, devices: readonly string[], how: string): Promise<void> =>
  runBatch(
    tc(namespace),
    devices.map((device) => `qdisc add dev ${device} root ${how}`),
  )

async function runBatch(argv: readonly string[], commands: readonly string[]): Promise<void> {
  const input = commands.map((command) => `${command}\n`).join('')
  const ended = await run({ argv, input })
  if (ended.code !== 0) throw new Error(`$ ${argv.join(' ')}\n${input}${ended.stdout}\n${ended.stderr}`)
}
