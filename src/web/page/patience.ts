/** A server that is busy, or away, is asked again: who comes together with many others is not sent away for that. */

const AGAIN_AFTER_MS = [2_000, 6_000, 15_000]

/** @throws what `ask` throws at last, or at once where that is nothing to be waited for. */
export async function patiently<T>(
  ask: () => Promise<T>,
  isBusy: (error: unknown) => boolean = () => true,
): Promise<T> {
  for (const wait of AGAIN_AFTER_MS)
    try {
      return await ask()
    } catch (error) {
      if (!isBusy(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  return await ask()
}
