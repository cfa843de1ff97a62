import { hostname } from 'node:os'
import { ShoalError } from '../../core/errors.ts'
import { millis, seconds } from '../../core/units.ts'
import { sleep } from '../../platform/clock.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { LoginFile, PortalClient, trustPortal, TrustStore } from '../../portal-client/index.ts'
import type { LoginPolled, LoginStarted } from '../../wire/api.ts'
import { openBrowser } from '../browser.ts'
import type { Context } from '../context.ts'

interface LoginOptions {
  /** False by `--no-browser`. */
  readonly browser: boolean
}

type Done = Extract<LoginPolled, { state: 'done' }>

/** `shoal login URL`: a person allows it on a page of the portal, and this machine has a token of theirs. */
export async function login(context: Context, url: string, given: object): Promise<void> {
  const { browser } = given as LoginOptions
  const { output, clock, dataDir } = context
  const signal = untilStopped({ forcedExitCode: 5 })
  const client = new PortalClient({ baseUrl: url })
  const started = await client.startLogin(hostname().slice(0, 100) || 'a machine', signal)
  const { verificationUrlComplete, userCode } = started
  output.event({ event: 'login-code', url: verificationUrlComplete, userCode })
  const isThePortals = URL.parse(verificationUrlComplete)?.origin === client.origin
  const isOpened = browser && isThePortals && (await openBrowser(verificationUrlComplete, context.env))
  output.line(isOpened ? 'Your browser shows the page on which you allow this. If it does not, open' : 'Open')
  output.line(`  ${verificationUrlComplete}`)
  output.line(`and allow it, if the code there is ${userCode}.`)
  const done = await answered(context, { client, started }, signal)
  await trustPortal(client.origin, { trust: new TrustStore(dataDir), clock }, signal)
  await new LoginFile(dataDir, client.origin).keep(done.token)
  const { user, role, expiresAt } = done
  output.event({ event: 'logged-in', portal: client.origin, user, role, expiresAt })
  const until = expiresAt === null ? '' : `, until ${expiresAt}`
  output.line(`This machine acts as ${user} (${role}) at ${client.origin}${until}`)
}

/** @throws ShoalError `not-granted` when the person said no, `not-found` when nobody answered in time. */
async function answered(
  { clock }: Context,
  { client, started }: { readonly client: PortalClient; readonly started: LoginStarted },
  signal: AbortSignal,
): Promise<Done> {
  let interval = seconds(started.intervalSeconds)
  for (;;) {
    await sleep(clock, interval, signal)
    const polled = await client.pollLogin(started.deviceCode, signal).catch(unlessBriefly)
    if (polled?.state === 'done') return polled
    if (polled !== undefined) interval = millis(polled.intervalSeconds * 1_000)
  }
}

/** A portal that is away for a moment is asked again; its code ends by itself. */
function unlessBriefly(error: unknown): undefined {
  if (error instanceof ShoalError && error.code === 'unavailable') return undefined
  throw error
}
