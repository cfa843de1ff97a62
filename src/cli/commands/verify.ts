import { ShoalError } from '../../core/errors.ts'
import { recordsOf, verifyFolder, type VerifiedFile } from '../../client/index.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import type { Context } from '../context.ts'
import { bytesText } from '../text.ts'

/** `shoal verify DIR`: exit 0 when every file that was fetched into DIR is as it was published. */
export async function verify(context: Context, dir: string): Promise<void> {
  const { output } = context
  const signal = untilStopped()
  const records = await recordsOf(context.dataDir, dir)
  if (records.length === 0) {
    throw new ShoalError(
      'not-found',
      `nothing was fetched into ${JSON.stringify(dir)} with the data folder ${context.dataDir}`,
    )
  }
  const bad: VerifiedFile[] = []
  for (const record of records) {
    const wanted = record.files === undefined ? undefined : new Set(record.files)
    const files = await verifyFolder(
      dir,
      record.torrent,
      (path) => wanted?.has(path) ?? true,
      (bytes, total) => {
        output.bar(bytes / total, `verifying ${record.torrent.metainfo.name}`)
      },
      signal,
    )
    output.clearBar()
    for (const file of files) {
      output.event({ event: 'verified', infohash: record.torrent.infoHash, ...file })
      if (file.verdict === 'ok') continue
      bad.push(file)
      output.line(`${file.verdict === 'missing' ? 'missing' : 'differs'}  ${file.path}`)
    }
    output.line(
      `${record.torrent.metainfo.name}: ${files.filter((f) => f.verdict === 'ok').length} of ${files.length} files as published (${bytesText(files.reduce((n, f) => n + f.sizeBytes, 0))})`,
    )
  }
  if (bad.length > 0) {
    throw new ShoalError(
      'bad-input',
      `${bad.length} files are not as published: run shoal get again to mend them`,
    )
  }
}
