/** Debian's Chromium, quiet: no first run, no background traffic, no sandbox (tests run as root). */
import { chromium, type Browser } from 'playwright-core'

/** For `needs`. */
export const CHROMIUM = '/usr/bin/chromium'

export const QUIET_FLAGS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
]

export function launchChromium(...flags: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: [...QUIET_FLAGS, ...flags] })
}
