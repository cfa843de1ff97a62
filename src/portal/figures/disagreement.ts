/** Where two ends of the same transfers do not say the same. Pure. */
import prettyBytes from 'pretty-bytes'
import { MiB } from '../../core/units.ts'
import type { FigureRow } from '../../wire/api.ts'

/** The two ends tell at other moments, and what arrives twice is sent twice. */
const PART = 0.05
const BYTES = 16 * MiB

/** A sentence; undefined where they agree, or nearly. */
export function disagreementOf({
  receiversSay,
  serversSay,
}: Pick<FigureRow, 'receiversSay' | 'serversSay'>): string | undefined {
  const sentences = [
    of('the origin', receiversSay.origins, serversSay.origins),
    of('mirrors', receiversSay.mirrors, serversSay.mirrors),
    of('the web seed', receiversSay.webSeeds, serversSay.webSeeds),
  ].filter((sentence) => sentence !== undefined)
  return sentences.length === 0 ? undefined : sentences.join(' ')
}

function of(server: string, received: number, sent: number): string | undefined {
  const apart = Math.abs(received - sent)
  if (apart <= BYTES || apart <= PART * Math.max(received, sent)) return undefined
  const why =
    sent > received
      ? 'stock clients do not report, and what is thrown away is not counted as received'
      : 'reports of that server are missing'
  const said = server === 'mirrors' ? 'mirrors report' : `${server} reports`
  return `Clients report ${prettyBytes(received)} from ${server}, ${said} ${prettyBytes(sent)}: ${why}.`
}
