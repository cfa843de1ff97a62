/** Is the origin of this portal running with this very data folder? Then it only has to be shown the files. */
import { ShoalError } from '../core/errors.ts'
import { lockFolder } from '../platform/files.ts'
import { resolvePortalUrl } from '../portal-client/index.ts'

/**
 * Takes the data folder for this command, unless the origin of `portal` holds it.
 * @throws ShoalError `conflict` when another process holds it.
 */
export async function takeDataFolder(
  dataDir: string,
  portal: string,
): Promise<AsyncDisposable & { isLocalOrigin: boolean }> {
  try {
    const lock = await lockFolder(dataDir)
    return { isLocalOrigin: false, [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() }
  } catch (error) {
    const isBusy = error instanceof ShoalError && error.code === 'conflict'
    if (!isBusy || (await portalOf(dataDir)) !== portal) throw error
    return { isLocalOrigin: true, [Symbol.asyncDispose]: () => Promise.resolve() }
  }
}

/** The portal whose `up` keeps its things there, if there is one. */
async function portalOf(dataDir: string): Promise<string | undefined> {
  try {
    return await resolvePortalUrl({ env: {}, dataDir })
  } catch {
    return undefined // no portal has run there: whoever holds the folder is no origin of ours
  }
}
