/** What the page asks of the thread that keeps its pieces on the disk. */
export type DiskRequest =
  | { readonly kind: 'open'; readonly name: string }
  /** The page goes. */
  | { readonly kind: 'remove' }
  | {
      readonly kind: 'put'
      readonly id: number
      readonly at: number
      readonly bytes: Uint8Array<ArrayBuffer>
    }
  | { readonly kind: 'get'; readonly id: number; readonly at: number; readonly length: number }

export type DiskReply =
  | { readonly kind: 'opened'; readonly isOpen: boolean }
  | { readonly kind: 'done'; readonly id: number; readonly bytes?: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string }
