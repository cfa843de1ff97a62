/** What every command works with: where its data is, which portal, which token, when to stop. */
import { join } from 'node:path'
import type { Random } from '../core/random.ts'
import { ShoalError } from '../core/errors.ts'
import { systemClock, type Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { mutedLogger } from '../platform/muted-log.ts'
import { systemRandom } from '../platform/random.ts'
import type { PortalClient } from '../portal-client/index.ts'
import type { Output } from './output.ts'

/** The global options, as commander gives them. */
export interface Globals {
  readonly json?: boolean
  readonly data?: string
  readonly portal?: string
  readonly tokenFile?: string
  readonly verbose?: boolean
}

export class Context {
  readonly output: Output
  readonly globals: Globals
  readonly clock: Clock = systemClock
  readonly random: Random = systemRandom
  readonly env: NodeJS.ProcessEnv = process.env

  constructor(output: Output, globals: Globals) {
    this.output = output
    this.globals = globals
  }

  /** Where this machine's Shoal keeps its things: `--data`, `$SHOAL_DATA`, else the XDG data folder. */
  get dataDir(): string {
    const asked = this.globals.data ?? this.env['SHOAL_DATA']
    if (asked !== undefined && asked !== '') return asked
    const home = this.env['XDG_DATA_HOME'] ?? join(this.env['HOME'] ?? '.', '.local', 'share')
    return join(home, 'shoal')
  }

  /** For commands that a person runs: only what goes wrong, unless `--verbose`. */
  async quietLog(): Promise<Logger> {
    return this.globals.verbose === true ? await this.serviceLog() : mutedLogger
  }

  /** For roles that go on: lines of JSON on standard error. */
  async serviceLog(): Promise<Logger> {
    const { createLogger } = await import('../platform/log.ts')
    return createLogger({ level: this.globals.verbose === true ? 'debug' : 'info' })
  }

  /** The portal's URL by flag, environment, what `up` left in the data folder, or a sole trusted portal. */
  async portalUrl(): Promise<string> {
    const { resolvePortalUrl } = await import('../portal-client/index.ts')
    return resolvePortalUrl({ flag: this.globals.portal, env: this.env, dataDir: this.dataDir })
  }

  async token(): Promise<string | undefined> {
    const { resolveToken } = await import('../portal-client/index.ts')
    const { tokenFile: flagFile } = this.globals
    return resolveToken({
      flagFile,
      env: this.env,
      dataDir: this.dataDir,
      portal: await this.#knownPortal(),
    })
  }

  async #knownPortal(): Promise<string | undefined> {
    try {
      return await this.portalUrl()
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'bad-usage') return undefined // no portal is known
      throw error
    }
  }

  /** A client of the portal with the token that there is. */
  async client(): Promise<PortalClient> {
    const { PortalClient } = await import('../portal-client/index.ts')
    const [baseUrl, token] = await Promise.all([this.portalUrl(), this.token()])
    if (token === undefined) {
      throw new ShoalError(
        'not-authenticated',
        `no API token for ${baseUrl}: run "shoal login ${baseUrl}", or give one with --token-file FILE, $SHOAL_TOKEN_FILE or $SHOAL_TOKEN`,
      )
    }
    return new PortalClient({ baseUrl, token })
  }
}
