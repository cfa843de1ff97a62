/** Starting in order, stopping in reverse, and the signals that ask for it. */
import { ShoalError } from '../core/errors.ts'
import { type Millis, seconds } from '../core/units.ts'

/** A part that runs. `start` resolves when it is ready; disposal stops it, also when it never started. */
export interface Service extends AsyncDisposable {
  start(signal: AbortSignal): Promise<void>
}

/**
 * Starts each when the one before is ready. The result stops them in reverse; when one fails to start, those
 * before it are stopped and its error is thrown.
 */
export async function startAll(services: readonly Service[], signal: AbortSignal): Promise<AsyncDisposable> {
  await using started = new AsyncDisposableStack()
  for (const service of services) {
    signal.throwIfAborted()
    started.use(service)
    await service.start(signal)
  }
  return started.move()
}

export interface StopOptions {
  /** How long an orderly stop may take before the process ends anyway. */
  readonly within?: Millis
  /** Status of a forced end. */
  readonly forcedExitCode?: number
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** `timeout`, npm and terminals tell a process and then its group: the same wish, heard twice. */
const ECHO_MS = 500

/**
 * Aborted by the first SIGINT, SIGTERM or SIGHUP, with a ShoalError `interrupted` as its reason. A later
 * one, or ten seconds without the process having ended, ends it at once. Call it once, in the command.
 */
export function untilStopped(options: StopOptions = {}): AbortSignal {
  const { within = seconds(10), forcedExitCode = 1 } = options
  const controller = new AbortController()
  let toldAt = 0
  const force = (why: string): void => {
    process.stderr.write(`${why}: ending without waiting for the rest\n`)
    process.exit(forcedExitCode)
  }
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        if (performance.now() - toldAt > ECHO_MS) force(`second ${name}`)
        return
      }
      toldAt = performance.now()
      setTimeout(() => {
        force(`still stopping after ${within / 1_000} s`)
      }, within).unref()
      controller.abort(new ShoalError('interrupted', `stopped by ${name}`))
    })
  }
  return controller.signal
}
