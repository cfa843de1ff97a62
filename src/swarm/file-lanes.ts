/** The same work on many files, some at once. */

/** Files looked at, made or synced at once: one after the other, 20,000 small ones take minutes. */
const FILES_AT_ONCE = 32

/** Rejects with the first failure, when no work is under way any more. */
export async function inLanes<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (failure === undefined) {
      const next = iterator.next()
      if (next.done === true) return
      try {
        await work(next.value)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, lane))
  if (failure !== undefined) throw failure.error
}
