/** The portal's word that all clients are to announce again, told apart from a feed that only repeats itself. */
import type { ControlView } from './control-view.ts'

/**
 * Calls `action` when the portal names another epoch than before; not for the first that is heard, since who
 * starts announces anyway, and not for a snapshot that names the one that was known. Returns what ends it.
 */
export function onNewEpoch(control: ControlView, action: () => void): () => void {
  let known = control.isReady ? control.epoch : undefined
  return control.onChange(() => {
    const isNew = known !== undefined && control.epoch !== known
    known = control.epoch
    if (isNew) action()
  })
}
