/** A bench that is interrupted ends what it began. */

/** As shells say that a program was interrupted. */
export const INTERRUPTED = 130

/** Aborts once SIGINT or SIGTERM comes. */
export function endedBySignal(): AbortSignal {
  const stop = new AbortController()
  // Once: whoever asks twice does not want to wait for the cleaning up, which then is what the exit handlers do.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stop.abort(new Error(`ended by ${signal}`))
      process.once(signal, () => process.exit(INTERRUPTED))
    })
  return stop.signal
}
