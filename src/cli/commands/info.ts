import { ShoalError } from '../../core/errors.ts'
import { lengthText } from '../../core/length-text.ts'
import type { Release } from '../../wire/api.ts'
import { bundleAndRelease } from '../arguments.ts'
import type { Context } from '../context.ts'
import { bytesText, table } from '../text.ts'

/** `shoal info BUNDLE[@RELEASE]`. */
export async function info(context: Context, target: string): Promise<void> {
  const { bundle: name, release: wanted } = bundleAndRelease(target)
  const client = await context.client()
  const bundle = await client.bundle(name)
  const releases = bundle.releases.filter((r) => wanted === 'latest' || r.name === wanted)
  if (releases.length === 0) throw new ShoalError('not-found', `${name} has no release ${wanted}`)
  const { output } = context
  output.event({ event: 'bundle', ...bundle, releases: undefined, latest: bundle.latest?.name ?? null })
  output.line(`${bundle.title}  (${bundle.bundle})`)
  if (bundle.description !== '') output.line(bundle.description)
  output.line(
    `owner ${bundle.owner} · for ${bundle.audience.join(', ')}${bundle.tags.length > 0 ? ` · ${bundle.tags.join(', ')}` : ''}`,
  )
  for (const release of releases) {
    output.event({ event: 'release', bundle: name, ...release, release: release.name })
    output.line('')
    output.line(
      `release ${release.name} · ${release.state}${release.reason === undefined ? '' : ` (${release.reason})`} · ` +
        `${lengthOf(release)}${bytesText(release.sizeBytes)} · ${release.publishedAt.slice(0, 10)} by ${release.publishedBy}`,
    )
    output.line(`infohash ${release.infohash}`)
    if (release.notes !== '') output.line(release.notes)
    const rows = release.files.map((f) => [
      bytesText(f.sizeBytes),
      f.path === '' ? release.contentName : f.path,
    ])
    for (const line of table(['size', 'file'], rows)) output.line(`  ${line}`)
  }
}

const lengthOf = ({ media }: Release): string =>
  media?.durationSeconds === undefined ? '' : `${lengthText(media.durationSeconds)} · `
