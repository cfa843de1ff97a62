/** What the service worker asks the page, and what the page answers: bytes of the film for the player. */

/** The file that the player asks for, as its address names it; files of other addresses are not ours. */
export const FILE_PATH = /^\/bundles\/[a-z0-9-]+\/releases\/[A-Za-z0-9._-]+\/files\/\d+$/

export interface ReadRequest {
  readonly kind: 'read'
  readonly path: string
  /** First byte, and how many at most. */
  readonly from: number
  readonly bytesMax: number
}

export type ReadReply =
  /** It is being looked for: an answer follows. */
  | { readonly kind: 'coming' }
  | { readonly kind: 'bytes'; readonly bytes: ArrayBuffer; readonly sizeBytes: number; readonly type: string }
  /** The server is to be asked. */
  | { readonly kind: 'pass' }

/** The server was asked past the page. */
export interface PassedNote {
  readonly kind: 'passed'
  readonly path: string
  readonly from: number
  readonly bytes: number
}

/** One answer to the player: what plays for some seconds, so that it asks again while colleagues send the next. */
export const ANSWER_BYTES = 1_024 * 1_024
