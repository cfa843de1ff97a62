/** Answers of the control feed (`control.ts`) as they travel: a compact JWS by the portal key. */
import { ShoalError } from '../core/errors.ts'
import { type ControlAnswer, zControlAnswer, zControlEvent } from './control.ts'
import type { PublicKey } from './keys.ts'
import { limits } from './limits.ts'
import type { SigningKey } from './signing-key.ts'
import { verifyJws } from './verify-jws.ts'

/** @throws TypeError for a key that is not a portal key. */
export function signControlAnswer(answer: ControlAnswer, portalKey: SigningKey): Promise<string> {
  if (portalKey.purpose !== 'portal') throw new TypeError(`a ${portalKey.purpose} key does not sign the feed`)
  return portalKey.sign(JSON.stringify(answer), 'shoal-control')
}

/**
 * @throws ShoalError `not-granted` when no portal key among `portalKeys` signed it, `bad-input` when it cannot
 *   be read, `over-limit` when it is longer than `limits.controlReplyBytesMax`.
 */
export async function openControlAnswer(
  jws: string,
  portalKeys: readonly PublicKey[],
): Promise<ControlAnswer> {
  if (jws.length > limits.controlReplyBytesMax)
    throw new ShoalError('over-limit', "the control feed's answer is too long")
  const payload = await verifyJws(
    jws,
    portalKeys.filter((key) => key.purpose === 'portal'),
    'shoal-control',
  )
  const answer = zControlAnswer.safeParse(withoutUnknownKinds(jsonOf(payload)))
  if (!answer.success) throw new ShoalError('bad-input', "the control feed's answer cannot be read")
  return answer.data
}

const KINDS: ReadonlySet<string> = new Set(
  zControlEvent.options.flatMap((option) => [...option.shape.kind.values]),
)

/** A newer portal tells of things that this version has no use for: they must not deafen it to all others. */
function withoutUnknownKinds(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('events' in answer)) return answer
  const { events } = answer
  if (!Array.isArray(events)) return answer
  return { ...answer, events: events.filter((event) => !isOfUnknownKind(event)) }
}

function isOfUnknownKind(event: unknown): boolean {
  if (typeof event !== 'object' || event === null || !('kind' in event)) return false
  return typeof event.kind === 'string' && !KINDS.has(event.kind)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
