/** A file or folder directly in the library, as it looks now. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError, systemCode } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'
import { IgnoreRules } from './ignore-rules.ts'
import { planRelease, refusalOfPlan, type ReleasePlan } from './plan-release.ts'
import { refusalOfKind, type Looker } from './file-look.ts'
import { isUnchanged } from './walk.ts'

export type EntryLook =
  | { readonly kind: 'gone' }
  /** Cannot be published as it is; the sentence says why. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'plan'; readonly plan: ReleasePlan }

const standard = IgnoreRules.standard()

/** False for what never becomes a bundle: dot-files, and what desktops and downloads leave about. */
export function isEntryName(name: string): boolean {
  return !name.startsWith('.') && !standard.isIgnored(name, 'file')
}

/** Never throws for what it finds. */
export async function lookAtEntry(
  library: string,
  name: string,
  looker: Looker,
  signal: AbortSignal,
): Promise<EntryLook> {
  const path = join(library, name)
  try {
    // Unlike the path that a person gives to `publish`, an entry that is a link is not followed.
    const reason = refusalOfKind(await lstat(path, { bigint: true }))
    if (reason !== undefined) return { kind: 'refused', reason: `${quote(name)} ${reason}` }
    const plan = await planRelease(path, { looker }, signal)
    const refusal = refusalOfPlan(plan)
    return refusal === undefined ? { kind: 'plan', plan } : { kind: 'refused', reason: refusal }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { kind: 'gone' }
    if (error instanceof ShoalError && error.code === 'not-found') return { kind: 'gone' }
    if (error instanceof ShoalError) return { kind: 'refused', reason: error.message }
    if (systemCode(error) !== undefined && !signal.aborted)
      return { kind: 'refused', reason: `${quote(name)} cannot be read (${systemCode(error) ?? 'error'})` }
    throw error
  }
}

/** True when nothing happened to the entry between the two looks. */
export function isSameLook(a: EntryLook, b: EntryLook): boolean {
  if (a.kind === 'plan' && b.kind === 'plan') {
    const [before, now] = [a.plan.files, b.plan.files]
    return (
      before.length === now.length &&
      before.every((file, i) => {
        const other = now[i]
        return other !== undefined && isUnchanged(file, other)
      })
    )
  }
  if (a.kind === 'refused' && b.kind === 'refused') return a.reason === b.reason
  return a.kind === b.kind
}
