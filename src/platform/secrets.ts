/** Secrets are cut out of what others may read. */

/** A grant is a compact JWS; wherever one could stand in a text it is cut out, also two that run into each other. */
const TOKEN_IN_TEXT = /eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}){2,}/g
/** API tokens begin so (`portal/tokens.ts`). */
const API_TOKEN_IN_TEXT = /shoal_[A-Za-z0-9_-]{16,}/g

/** What stands in their place. */
export const REDACTED = '[redacted]'

/** Percent-encoded, once or several times over. */
const ENCODED = /%(?:25)*([0-9a-f]{2})/gi

/**
 * Any text made fit for a log, an error or a metric: grants and API tokens become `[redacted]`. Characters that a
 * URL need not encode (RFC 3986, 2.3) are decoded first, so that no spelling hides one.
 */
export function withoutSecrets(text: string): string {
  const plain = text.includes('%') ? text.replace(ENCODED, decodedWhereNeedless) : text
  return plain.replace(TOKEN_IN_TEXT, REDACTED).replace(API_TOKEN_IN_TEXT, REDACTED)
}

function decodedWhereNeedless(encoded: string, hex: string): string {
  const character = String.fromCharCode(Number.parseInt(hex, 16))
  return /[A-Za-z0-9._~-]/.test(character) ? character : encoded
}
