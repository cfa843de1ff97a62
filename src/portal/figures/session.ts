/** From a cumulative report to what is new in it. Pure. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { zTransfer, zTransferEnd } from '../../wire/api.ts'

type Transfer = z.output<typeof zTransfer>
type TransferEnd = z.output<typeof zTransferEnd>

/** What a session has told: [received, sent] of each other end. */
export type Told = Readonly<Record<string, readonly [number, number]>>

const zTold = z.record(z.string(), z.tuple([z.number(), z.number()]))

export const toldOf = (json: string): Told => zTold.parse(JSON.parse(json))

export const sessionKey = (session: string): string =>
  createHash('sha256').update(session).digest('base64url')

/** Of what a secret of the client's own, kept nowhere, is a part: the address cannot be found again by trying all. */
export const endKey = (session: string, end: Pick<TransferEnd, 'at' | 'from'>): string =>
  createHash('sha256').update(`${session} ${end.at} ${end.from}`).digest('base64url').slice(0, 11)

export interface News {
  /** New since the report before; ends with nothing new are left out. */
  readonly ends: readonly TransferEnd[]
  readonly webSeedBytes: number
  readonly told: Told
}

/** Or the sentence that refuses it: counters never fall, and a session names the ends that it named before. */
export function newsOf(
  transfer: Readonly<Transfer>,
  before: { readonly told: Told; readonly webSeedBytes: number },
): News | string {
  const ends: TransferEnd[] = []
  const named = new Set(transfer.ends.map((end) => endKey(transfer.session, end)))
  if (Object.keys(before.told).some((key) => !named.has(key))) return LESS
  const told: Record<string, readonly [number, number]> = {}
  for (const end of transfer.ends) {
    const key = endKey(transfer.session, end)
    const [received, sent] = told[key] ?? before.told[key] ?? [0, 0]
    const news = {
      ...end,
      receivedBytes: end.receivedBytes - received,
      sentBytes: end.sentBytes - sent,
    }
    if (news.receivedBytes < 0 || news.sentBytes < 0) return LESS
    told[key] = [end.receivedBytes, end.sentBytes]
    if (news.receivedBytes + news.sentBytes > 0) ends.push(news)
  }
  const webSeedBytes = transfer.webSeedBytes - before.webSeedBytes
  if (webSeedBytes < 0) return LESS
  return { ends, webSeedBytes, told }
}

const LESS = 'it tells less than the report before'

export const sumsOf = (told: Told): { receivedBytes: number; sentBytes: number } =>
  Object.values(told).reduce(
    (sum, [received, sent]) => ({
      receivedBytes: sum.receivedBytes + received,
      sentBytes: sum.sentBytes + sent,
    }),
    { receivedBytes: 0, sentBytes: 0 },
  )
