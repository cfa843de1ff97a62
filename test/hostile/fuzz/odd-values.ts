/** Values at the edges of formats: where parsers have been wrong before. */

const EDGES = [
  '0', '1', '-1', '2', '19', '20', '21', '64', '255', '256', '1023', '65535', '65536', '16384', '131073', '4194305',
  '2147483647', '2147483648', '-2147483648', '4294967295', '4294967296', '9007199254740991', '9007199254740992',
  '-9007199254740992', '18446744073709551615', '99999999999999999999999', '-0', '03', '1.5', '1e9', '+1', '', '0x10', 'NaN',
] // prettier-ignore

/** Numbers as text: the edges, and the neighbours of one that stood there. */
export function numbersNear(n: number): string[] {
  const near = Number.isSafeInteger(n) ? [n - 1, n + 1, 2 * n, -n, Math.floor(n / 2)] : []
  return [...near.map(String), ...near.map(String), ...EDGES]
}

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

/** Strings, as bytes, that are somebody's special case. */
export const STRINGS: readonly Uint8Array[] = [
  ...[
    '', '.', '..', '/', 'a/b', 'a\\b', 'C:', 'C:x', 'con', 'LPT1.txt', 'name.', ' ', 'a b', '\0', '\n', '\r\n', '\u001b[31m', '\u202e',
    '__proto__', 'constructor', 'toString', '<script>', '"', '%', '%00', '%zz', '=', '&', '+', '#', '*', '**', '?',
    'é', 'e\u0301', '\u{1f600}', '\ufeff', '\u2028', 'A'.repeat(64), 'a'.repeat(256), 'é'.repeat(400), 'x'.repeat(2_100),
    '127.0.0.1', '169.254.169.254', '0.0.0.0', '::1', 'fe80::1', '::ffff:10.0.0.1', '10.0.0.0/8', '10.0.0.0/33', '10.1.2.3/16',
    'http://h/', 'https://h:1/p?q#f', 'udp://h:1', 'udp://h', 'ws://h', 'ftp://h', 'file:///x', 'http://u:p@h/', 'http://169.254.169.254/',
    'http://[fe80::1]/', 'http://0/', 'never', 'private', 'l-3:e', 'i-3e', 'd', 'e',
  ].map(text),
  Uint8Array.of(0xff), Uint8Array.of(0xc3), Uint8Array.of(0xed, 0xa0, 0x80), new Uint8Array(20), new Uint8Array(6), new Uint8Array(18),
] // prettier-ignore
