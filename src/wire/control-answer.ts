/** Answers of the control feed (`control.ts`) as they travel: a compact JWS by the portal key. */
import { ShoalError } from '../core/errors.ts'
import { type ControlAnswer, zControlAnswer } from './control.ts'
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
  const answer = zControlAnswer.safeParse(jsonOf(payload))
  if (!answer.success) throw new ShoalError('bad-input', "the control feed's answer cannot be read")
  return answer.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
