import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { ipAddress, type IpAddress } from '../../core/address.ts'
import { messageOf, ShoalError } from '../../core/errors.ts'
import type { DeviceId } from '../../core/ids.ts'
import { bytesPerSecond } from '../../core/units.ts'
import {
  diagnose,
  examinePeers,
  examinePort,
  examinePortal,
  examineTracker,
  examineTransfer,
  grantExpiryOf,
  leaveSwarm,
  parseTarget,
  resolve,
  type Facts,
  type Finding,
  type Resolved,
  type ResolveParts,
  type SwarmExamParts,
  type Target,
} from '../../client/index.ts'
import { probeByDialling } from '../../platform/dial-probe.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { PortalClient, TrustStore } from '../../portal-client/index.ts'
import { fetchAnnounce, type Engine } from '../../swarm/index.ts'
import type { Context } from '../context.ts'
import { startPeerEngine } from '../engine.ts'
import type { OwnDevice } from '../own-device.ts'

interface DoctorOptions {
  readonly peerPort?: number
  readonly bind?: string
  readonly unsigned?: boolean
  readonly trust?: string
}

/** What a trial download may take of the line: it is to learn something, not to fetch it. */
const TRIAL_RATE = bytesPerSecond(4_000_000)

/**
 * `shoal doctor`: looks at each step between this machine and a release, and says of each in one sentence whether it is
 * well. Without a release: at the portal alone.
 * @throws ShoalError `unavailable` when something is wrong.
 */
export async function doctor(context: Context, what: string | undefined, given: object): Promise<void> {
  const options = given as DoctorOptions
  const bind = options.bind === undefined ? undefined : ipAddress(options.bind)
  const signal = untilStopped({ forcedExitCode: 5 })
  const target = what === undefined ? undefined : parseTarget(what)
  const findings = diagnose(await examine(context, target, options, bind, signal))
  for (const finding of findings) tell(context, finding)
  const wrong = findings.filter((finding) => finding.isWrong).length
  context.output.event({ event: 'done', wrong })
  if (wrong > 0) throw new ShoalError('unavailable', `${wrong} of ${findings.length} things are wrong`)
}

async function examine(
  context: Context,
  target: Target | undefined,
  options: DoctorOptions,
  bind: IpAddress | undefined,
  signal: AbortSignal,
): Promise<Facts> {
  const now = context.clock.epoch()
  const url = await portalOf(context, target)
  const portal =
    url === undefined ? undefined : await examinePortal(url, () => context.clock.epoch(), signal, bind)
  const facts: Facts = { now, ...(portal !== undefined && { portal }) }
  // A bundle's name means nothing without its portal; a link may do without it.
  const isLost = portal !== undefined && portal.answer !== 'shoal'
  if (target === undefined || (isLost && target.kind === 'bundle')) return facts
  await using stack = new AsyncDisposableStack()
  let own: OwnDevice | undefined
  const device = async (client: PortalClient): Promise<DeviceId> => {
    const { startOwnDevice } = await import('../own-device.ts')
    own = stack.use(await startOwnDevice(context, { client, log: await context.quietLog() }, signal))
    return own.device.id
  }
  try {
    const resolved = await resolveTarget(context, target, device, options, bind, signal)
    return { ...facts, ...(await examineRelease(context, resolved, own, options, bind, signal)) }
  } catch (error) {
    if (!(error instanceof ShoalError) || error.code === 'interrupted' || error.code === 'bad-usage')
      throw error
    // What cannot be had of a portal that does not answer is the same fault once more.
    if (isLost && error.code === 'unavailable') return facts
    return { ...facts, link: { refusal: { code: error.code, sentence: messageOf(error) } } }
  }
}

/** Undefined for a link, whose portal is the link's to name, when this machine knows no other. */
async function portalOf(context: Context, target: Target | undefined): Promise<string | undefined> {
  if (target?.kind === 'bundle' && target.portal !== undefined) return target.portal
  try {
    return await context.portalUrl()
  } catch (error) {
    if (target === undefined || target.kind === 'bundle') throw error
    return undefined
  }
}

function resolveTarget(
  context: Context,
  target: Target,
  device: ResolveParts['device'],
  options: DoctorOptions,
  bind: IpAddress | undefined,
  signal: AbortSignal,
): Promise<Resolved> {
  const from = bind === undefined ? {} : { localAddress: bind }
  return resolve(
    target,
    {
      trust: new TrustStore(context.dataDir),
      client: async (named) => {
        if (named === undefined) return await context.client()
        const token = await context.token()
        return new PortalClient({ baseUrl: named, ...(token !== undefined && { token }), ...from })
      },
      from,
      device,
    },
    { unsigned: options.unsigned ?? false, ...(options.trust !== undefined && { trust: options.trust }) },
    signal,
  )
}

async function examineRelease(
  context: Context,
  resolved: Resolved,
  own: OwnDevice | undefined,
  options: DoctorOptions,
  bind: IpAddress | undefined,
  signal: AbortSignal,
): Promise<Partial<Facts>> {
  const announce = resolved.announce[0]?.[0]
  if (announce === undefined) return {}
  await using engine = await startPeerEngine(context, await context.quietLog(), {
    ...(options.peerPort !== undefined && { peerPort: options.peerPort }),
    ...(bind !== undefined && { bind }),
    limitDown: TRIAL_RATE,
    limitLan: true,
    ...(own !== undefined && { guard: own.guard }),
  })
  const place = { announce, infoHash: resolved.infoHash, peerId: engine.peerId, port: engine.port }
  const parts: SwarmExamParts = { fetch: fetchAnnounce, dial: probeByDialling, from: bind }
  const grantExpiresAt = grantExpiryOf(announce)
  const link = { link: grantExpiresAt === undefined ? {} : { grantExpiresAt } }
  context.output.bar(0.2, 'asking the tracker')
  const tracker = await examineTracker(place, parts, signal)
  if (tracker.outcome.kind !== 'reply') return { ...link, tracker }
  try {
    const { peers: named, site } = tracker.outcome.reply
    context.output.bar(0.4, 'trying the peers that it names, and this port from there')
    const [port, peers] = await Promise.all([
      examinePort(place, parts, signal),
      examinePeers(named, site, parts),
    ])
    const transfer = await tryTransfer(context, resolved, engine, signal)
    return { ...link, tracker, port, peers, transfer }
  } finally {
    await leaveSwarm(place, parts)
    context.output.clearBar()
  }
}

async function tryTransfer(
  context: Context,
  resolved: Resolved,
  engine: Engine,
  signal: AbortSignal,
): Promise<NonNullable<Facts['transfer']>> {
  context.output.bar(0.6, 'fetching a little of it')
  await mkdir(context.dataDir, { recursive: true })
  const folder = await mkdtemp(join(context.dataDir, 'doctor-'))
  try {
    return await examineTransfer(resolved, { clock: context.clock, engine, folder }, signal)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function tell({ output }: Context, finding: Finding): void {
  const { check, isWrong, sentence, remedy } = finding
  output.event({ event: 'finding', check, wrong: isWrong, sentence, ...(remedy !== undefined && { remedy }) })
  const mark = isWrong ? styleText('red', 'wrong') : styleText('green', 'good ')
  output.line(`${mark}  ${check.padEnd(14)} ${sentence}`)
  if (remedy !== undefined) output.line(`       ${''.padEnd(14)} -> ${remedy}`)
}
