/** The shape of a REST route: what validates it, what documents it and what answers it stand side by side. */
import type { z } from 'zod'
import type { IpAddress } from '../../core/address.ts'
import type { Account } from '../account.ts'
import type { Borne } from '../grants/bearer.ts'
import type { Services } from '../services.ts'

/** Of whoever asks. */
export interface OpenCall<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly services: Services
  /** Where the request came from; undefined when that is no plain address. */
  readonly from: IpAddress | undefined
  /** Aborted when the asker has gone. */
  readonly signal: AbortSignal
}

export interface Call<P, Q, B> extends OpenCall<P, Q, B> {
  readonly account: Account
  /** True when a session's cookie said who asks. */
  readonly isPage: boolean
  /** True when a one-time code did. */
  readonly isByCode: boolean
  /** The grant that said who asks, where one did. */
  readonly borne: Borne | undefined
}

export type Reply =
  | { readonly status: 200 | 201; readonly json: unknown }
  | { readonly status: 204 }
  | {
      readonly status: 200
      readonly type: string
      readonly bytes: Uint8Array | string
      readonly fileName?: string
    }
  /** What may be kept by who asked, and asked for again by its tag. */
  | {
      readonly status: 200
      readonly type: string
      readonly bytes: Uint8Array
      readonly tag: string
      /** It is asked for under an address of its own: it may be used without asking again. */
      readonly isKept: boolean
    }
  /** Text in parts, as they are read: never all of it at once. */
  | {
      readonly status: 200
      readonly type: string
      readonly parts: AsyncIterable<string>
      readonly fileName: string
    }

/** What a route answers when all is well, for the documentation. */
export type Answer =
  | { readonly status: 200 | 201; readonly schema: z.ZodType }
  | { readonly status: 204 }
  | { readonly status: 200; readonly type: string }

/** A body that is no JSON. */
export interface BytesTaken {
  readonly type: string
  readonly bytesMax: number
  /** For who sent something else: "the .torrent's bytes". */
  readonly what: string
}

interface Described<P, Q, B> {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** Below /api/v1, parameters in braces. */
  readonly path: string
  readonly summary: string
  readonly params?: z.ZodType<P> & z.ZodObject
  readonly query?: z.ZodType<Q> & z.ZodObject
  /** JSON, or bytes where {@link takes} says so. */
  readonly body?: z.ZodType<B>
  readonly takes?: BytesTaken
  /** A one-time code for devices says who asks as well as a token. */
  readonly takesCode?: boolean
  /** So does a grant. */
  readonly takesGrant?: boolean
  readonly answers: readonly Answer[]
}

export interface RouteDescription<P, Q, B> extends Described<P, Q, B> {
  readonly isOpen?: false
  readonly handle: (call: Call<P, Q, B>) => Promise<Reply>
}

/** For nobody in particular: what is found under a secret of the request's own. Refusals count as failures of the address. */
export interface OpenRouteDescription<P, Q, B> extends Described<P, Q, B> {
  readonly isOpen: true
  readonly handle: (call: OpenCall<P, Q, B>) => Promise<Reply>
}

export type ApiRoute =
  RouteDescription<unknown, unknown, unknown> | OpenRouteDescription<unknown, unknown, unknown>

/** Ties the types of the schemas to the handler's, then forgets them: a table holds routes of all shapes. */
export function route<P = undefined, Q = undefined, B = undefined>(
  description: RouteDescription<P, Q, B>,
): ApiRoute {
  return description as unknown as ApiRoute
}

/** As {@link route}, for what needs no account. */
export function openRoute<P = undefined, Q = undefined, B = undefined>(
  description: Omit<OpenRouteDescription<P, Q, B>, 'isOpen'>,
): ApiRoute {
  return { ...description, isOpen: true } as unknown as ApiRoute
}
