import type { Kind } from '../../core/kinds.ts'
import { lengthText } from '../../core/length-text.ts'
import type { Bundle } from '../../wire/api.ts'
import type { Context } from '../context.ts'
import { bytesText, table } from '../text.ts'

/** `shoal list [QUERY]`: an event, or a row, for each bundle with a live release. */
export async function list(
  context: Context,
  query: string | undefined,
  options: { readonly tag?: string; readonly kind?: Kind },
): Promise<void> {
  const client = await context.client()
  const rows: string[][] = []
  const wanted = {
    ...(query === undefined ? {} : { q: query }),
    ...(options.tag === undefined ? {} : { tag: options.tag }),
    ...(options.kind === undefined ? {} : { kind: options.kind }),
  }
  for await (const bundle of client.allBundles(wanted)) {
    const { latest } = bundle
    if (latest === null) continue
    context.output.event({
      event: 'bundle',
      bundle: bundle.bundle,
      title: bundle.title,
      release: latest.name,
      sizeBytes: latest.sizeBytes,
      kind: bundle.kind,
      durationSeconds: latest.media?.durationSeconds,
    })
    rows.push(rowOf(bundle, latest))
  }
  if (rows.length === 0)
    context.output.note(
      query === undefined && options.kind === undefined && options.tag === undefined
        ? 'Nothing is published yet.'
        : 'Nothing matches.',
    )
  else
    for (const line of table(['bundle', 'title', 'release', 'size', 'length'], rows))
      context.output.line(line)
}

function rowOf(bundle: Bundle, latest: NonNullable<Bundle['latest']>): string[] {
  const seconds = latest.media?.durationSeconds
  const length = seconds === undefined ? '' : lengthText(seconds)
  return [bundle.bundle, bundle.title, latest.name, bytesText(latest.sizeBytes), length]
}
