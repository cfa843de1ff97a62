/** What the company's login says of a person, read strictly: it is trusted to tell who it is, not to be well-formed. */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { zEmail, zGroupName, zPersonName } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'

/** A person as the company's login knows them. */
export interface Claimed {
  readonly issuer: string
  /** Never given to anybody else there (OpenID Connect Core 1.0, 2). */
  readonly subject: string
  /** Undefined when what it said is no name here. */
  readonly name: string | undefined
  readonly displayName: string
  /** Empty where the login says that it was not verified. */
  readonly email: string
  /** Undefined when it said nothing of groups: then nothing is known, rather than that there are none. */
  readonly groups: readonly string[] | undefined
}

const zSubject = z.object({ iss: z.string().min(1).max(2_048), sub: z.string().min(1).max(255) })
const zTextList = z.union([z.array(z.unknown()), z.string().transform((text) => [text])])

/** @throws ShoalError `bad-input` without issuer and subject. */
export function readClaims(
  claims: Readonly<Record<string, unknown>>,
  names: { readonly nameClaim: string; readonly groupsClaim: string },
): Claimed {
  const who = zSubject.safeParse(claims)
  if (!who.success) throw new ShoalError('bad-input', 'the company login did not say who you are')
  const own = (claim: string): unknown => (Object.hasOwn(claims, claim) ? claims[claim] : undefined)
  const email = zEmail.safeParse(own('email'))
  return {
    issuer: who.data.iss,
    subject: who.data.sub,
    name: nameIn(own(names.nameClaim)),
    displayName: shown(own('name')),
    email: email.success && own('email_verified') !== false ? email.data : '',
    groups: groupsIn(own(names.groupsClaim)),
  }
}

function nameIn(value: unknown): string | undefined {
  const name = zPersonName.safeParse(typeof value === 'string' ? value.trim().toLowerCase() : value)
  return name.success ? name.data : undefined
}

/** In our own length, without control characters. */
function shown(value: unknown): string {
  if (typeof value !== 'string') return ''
  return value
    .slice(0, 1_000)
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, 100)
    .trim()
}

/** Those whose names can be names here, each once; Keycloak writes them as paths, `/learning`. */
function groupsIn(value: unknown): readonly string[] | undefined {
  const list = zTextList.safeParse(value)
  if (!list.success) return undefined
  const names = list.data.slice(0, limits.claimedGroupsMax).flatMap((item) => {
    const name = zGroupName.safeParse(typeof item === 'string' ? item.replace(/^\//, '') : item)
    return name.success ? [name.data] : []
  })
  return [...new Set(names)]
}
