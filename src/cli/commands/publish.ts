import { resolve } from 'node:path'
import { ipAddress } from '../../core/address.ts'
import { releaseName, slug } from '../../core/ids.ts'
import { readFileBounded } from '../../platform/files.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import {
  planRelease,
  publish as publishRelease,
  refusalOfPlan,
  type PublishProgress,
} from '../../seeder/index.ts'
import { ShoalError } from '../../core/errors.ts'
import { limits } from '../../wire/limits.ts'
import type { Context } from '../context.ts'
import { startPeerEngine } from '../engine.ts'
import { clientLimits, type LimitFlags } from '../limit-flags.ts'
import { takeDataFolder } from '../local-origin.ts'
import { hintAtMending, mendedCopy } from '../mended-copy.ts'
import type { OwnDevice } from '../own-device.ts'
import { binaryBytesText, bytesText, table } from '../text.ts'

export interface PublishOptions extends LimitFlags {
  readonly title: string
  readonly bundle?: string
  readonly release?: string
  readonly to: readonly string[]
  readonly tag: readonly string[]
  readonly notes?: string
  readonly rights: string
  readonly admit: 'any' | 'ours'
  readonly dryRun?: boolean
  readonly mend?: boolean
  readonly peerPort?: number
  readonly bind?: string
}

/** `shoal publish PATH`: returns when the release is live, that is when an origin has every byte of it. */
export async function publish(context: Context, path: string, given: object): Promise<void> {
  const options = given as PublishOptions
  const signal = untilStopped({ forcedExitCode: 5 })
  if (options.dryRun === true) {
    await dryRun(context, path, signal)
    return
  }
  const notes =
    options.notes === undefined
      ? undefined
      : Buffer.from(await readFileBounded(options.notes, 4 * limits.notesCharsMax)).toString('utf8')
  const client = await context.client()
  await using folder = await takeDataFolder(context.dataDir, client.origin)
  const source = await sourceOf(context, resolve(path), options, signal)
  const log = await context.quietLog()
  await using stack = new AsyncDisposableStack()
  let own: OwnDevice | undefined
  const published = await publishRelease(
    {
      clock: context.clock,
      log,
      dataDir: context.dataDir,
      client,
      engine: () =>
        startPeerEngine(context, log, {
          ...(options.peerPort === undefined ? {} : { peerPort: options.peerPort }),
          ...(options.bind === undefined ? {} : { bind: ipAddress(options.bind) }),
          ...clientLimits(options),
          ...(own === undefined ? {} : { guard: own.guard }),
        }),
      device: async () => {
        const { startOwnDevice } = await import('../own-device.ts')
        own = stack.use(await startOwnDevice(context, { client, log }, signal))
        const { id } = own.device
        return { id, permit: async (grant, until) => (await client.permit(grant, id, until)).permit }
      },
    },
    {
      path: source,
      title: options.title,
      audience: options.to.length === 0 ? ['everyone'] : options.to,
      tags: options.tag,
      admit: options.admit,
      rights: options.rights,
      isLocalOrigin: folder.isLocalOrigin,
      onProgress: progressOf(context),
      ...(notes === undefined ? {} : { notes }),
      ...(options.bundle === undefined ? {} : { bundle: slug(options.bundle) }),
      ...(options.release === undefined ? {} : { release: releaseName(options.release) }),
    },
    signal,
  )
  const { bundle, release, infohash, sizeBytes, portal, seededFrom } = published
  context.output.clearBar()
  context.output.event({ event: 'published', bundle, release, infohash, sizeBytes, portal })
  if (options.rights.trim() === '')
    context.output.note('Kept with it: that you vouch that it may be shared (say more with --rights "…").')
  if (seededFrom === 'here') {
    context.output.note('A full copy is at the origin: you may close your laptop now.')
  }
  context.output.line(`${bundle}@${release} is live: ${portal}/bundles/${bundle}`)
}

/** The path, or a mended copy of it. */
async function sourceOf(
  context: Context,
  path: string,
  { mend }: PublishOptions,
  signal: AbortSignal,
): Promise<string> {
  if (mend === true) return await mendedCopy(context, path, signal)
  await hintAtMending(context, path, signal)
  return path
}

async function dryRun(context: Context, path: string, signal: AbortSignal): Promise<void> {
  const plan = await planRelease(path, {}, signal)
  const { output } = context
  for (const file of plan.files)
    output.event({ event: 'would-ship', path: file.path, sizeBytes: file.sizeBytes })
  for (const one of plan.ignored.items) output.event({ event: 'would-ignore', path: one })
  for (const one of plan.refused.items) output.event({ event: 'refused', path: one.path, reason: one.reason })
  output.event({
    event: 'dry-run',
    name: plan.name,
    files: plan.files.length,
    sizeBytes: plan.sizeBytes,
    pieceLengthBytes: plan.pieceLengthBytes,
    ignored: plan.ignored.count,
    refused: plan.refused.count,
  })
  const rows = plan.files.map((file) => [bytesText(file.sizeBytes), file.path === '' ? plan.name : file.path])
  for (const line of table(['size', 'file'], rows)) output.line(line)
  for (const one of plan.ignored.items) output.line(`ignored  ${one}`)
  output.line(
    `${plan.files.length} files, ${bytesText(plan.sizeBytes)}, pieces of ${binaryBytesText(plan.pieceLengthBytes)}; nothing was published`,
  )
  const refusal = refusalOfPlan(plan)
  if (refusal !== undefined) throw new ShoalError('bad-input', refusal)
}

function progressOf(context: Context): (progress: PublishProgress) => void {
  const { output } = context
  let stage = ''
  let note: string | undefined
  return (progress) => {
    if (progress.stage !== stage) output.event({ event: 'state', state: progress.stage })
    stage = progress.stage
    switch (progress.stage) {
      case 'looking':
      case 'listing':
        return
      case 'hashing':
        output.bar(
          progress.bytes / progress.total,
          `hashing ${bytesText(progress.bytes)} of ${bytesText(progress.total)}`,
        )
        return
      case 'replicating':
        output.event({ event: 'progress', bytes: progress.sentBytes, total: progress.total })
        output.bar(Math.min(1, progress.sentBytes / progress.total), 'sending a full copy to the origin')
        if (progress.note !== undefined && progress.note !== note) output.note(progress.note)
        note = progress.note
    }
  }
}
