/** A Chromium on a machine of its own, for one who watches or for several. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { CHROMIUM, QUIET_FLAGS } from '../../test/support/chromium.ts'
import { endAllIn, processesIn } from '../../test/support/namespaces.ts'
import type { LabHost } from '../lab/topology.ts'
import { cpuSecondsOf } from '../support/usage.ts'

/** One that hangs is ended then. */
const CLOSE_MS = 15_000

interface BrowserParts {
  readonly host: LabHost
  readonly dir: string
  /** Of the server's certificate. */
  readonly keyHash: string
  readonly hasRealAddresses: boolean
}

export class ViewerBrowser implements AsyncDisposable {
  readonly host: LabHost
  readonly browser: Browser
  #cpuSeconds = 0
  #viewers = 0

  private constructor(host: LabHost, browser: Browser) {
    this.host = host
    this.browser = browser
  }

  static async start({ host, dir, keyHash, hasRealAddresses }: BrowserParts): Promise<ViewerBrowser> {
    const program = join(dir, `browser-of-${host.name}`)
    await writeFile(program, `#!/bin/sh\nexec ${host.argv([CHROMIUM]).join(' ')} "$@"\n`)
    await chmod(program, 0o755)
    const browser = await chromium.launch({
      executablePath: program,
      // Ours to end, in our order.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: [
        ...QUIET_FLAGS,
        `--ignore-certificate-errors-spki-list=${keyHash}`,
        '--autoplay-policy=no-user-gesture-required',
        ...(hasRealAddresses ? ['--disable-features=WebRtcHideLocalIpsWithMdns'] : []),
      ],
    })
    return new ViewerBrowser(host, browser)
  }

  /** Somebody watches in it. */
  entered(): void {
    this.#viewers++
  }

  /** Whoever leaves last shuts it, as somebody does who goes. */
  async left(): Promise<void> {
    if (--this.#viewers === 0) await this[Symbol.asyncDispose]()
  }

  /** User and system, of all that it runs. */
  cpuSeconds(): number {
    const now = processesIn(this.host.namespace).reduce((all, pid) => all + cpuOf(pid), 0)
    return (this.#cpuSeconds = Math.max(this.#cpuSeconds, now))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const watchdog = setTimeout(() => endAllIn(this.host.namespace), CLOSE_MS)
    await this.browser.close().catch(() => undefined) // ended by the watchdog, or on its own
    clearTimeout(watchdog)
  }
}

function cpuOf(pid: number): number {
  try {
    return cpuSecondsOf(pid)
  } catch {
    return 0 // it ended meanwhile
  }
}
