/**
 * Films whose description stands at their end, written anew with it in front, where their publisher wants that: one after the other, into
 * a file beside, by the maker of releases. What was uploaded stays until the new file is whole and on the disk; that it is to take its
 * place is written down first, so that a crash in between is made good at the next start.
 */
import { randomBytes } from 'node:crypto'
import { messageOf, ShoalError } from '../../core/errors.ts'
import { Gate } from '../../core/gate.ts'
import type { Logger } from '../../platform/log.ts'
import { limits } from '../../wire/limits.ts'
import type { DraftFileRow } from '../database/publishing-tables.ts'
import type { DraftFiles } from './draft-files.ts'
import { isEditable, type StoredDraft } from './draft-rows.ts'
import type { Drafts } from './drafts.ts'
import type { ReleaseMaker } from './release-maker.ts'
import type { Turns } from './turns.ts'
import type { UploadFolder } from './upload-folder.ts'

export interface MendingParts {
  readonly log: Logger
  readonly drafts: Drafts
  readonly files: DraftFiles
  readonly folder: UploadFolder
  readonly turns: Turns
  /** @throws ShoalError `unavailable` where there is no room for so much more. */
  readonly mustHaveSpace: (moreBytes: number) => Promise<void>
}

export interface MendState {
  /** While it is under way. */
  readonly doneBytes?: number
  readonly sizeBytes?: number
  /** Why it was not mended. */
  readonly problem?: string
}

interface UnderWay {
  readonly draftId: string
  readonly owner: string
  readonly stop: AbortController
  readonly ended: Promise<undefined>
  /** It is its turn. */
  isRunning: boolean
  doneBytes: number
  readonly sizeBytes: number
}

/** Sentences that are kept for their publishers: the last of them. */
const PROBLEMS_MAX = 1_000

export class Mending implements AsyncDisposable {
  readonly #parts: MendingParts
  readonly #oneAtATime = new Gate(1)
  readonly #underWay = new Map<string, UnderWay>()
  readonly #problems = new Map<string, string>()

  constructor(parts: MendingParts) {
    this.#parts = parts
  }

  /**
   * It goes on by itself; asked for again it is the same.
   * @throws ShoalError `not-found`, `conflict`, `unavailable` for a full disk, `over-limit` where too many wait.
   */
  async begin(maker: ReleaseMaker, draft: StoredDraft, path: string): Promise<void> {
    const key = keyOf(draft.id, path)
    if (this.#underWay.has(key)) return
    if (!isEditable(draft)) throw new ShoalError('conflict', 'this has been handed in: take it back first')
    const file = await this.#parts.files.find(draft.id, path)
    if (file === undefined) throw new ShoalError('not-found', 'no such file in this draft')
    if (file.is_there !== 1) throw new ShoalError('conflict', 'this file has not been uploaded yet')
    await this.#parts.mustHaveSpace(file.size_bytes)
    if (this.#underWay.has(key)) return
    this.#mustHavePlace(draft.owner)
    this.#problems.delete(key)
    const stop = new AbortController()
    const { promise: ended, resolve } = Promise.withResolvers<undefined>()
    const sizeBytes = file.size_bytes
    this.#underWay.set(key, {
      draftId: draft.id,
      owner: draft.owner,
      stop,
      ended,
      isRunning: false,
      doneBytes: 0,
      sizeBytes,
    })
    void this.#oneAtATime
      .run(() => this.#mend(maker, draft, file, stop.signal), stop.signal)
      .catch(() => undefined) // stopped while it waited
      .finally(() => resolve(undefined))
  }

  #mustHavePlace(owner: string): void {
    const all = [...this.#underWay.values()]
    if (all.filter((one) => one.owner === owner).length >= limits.mendsPerOwnerMax)
      throw new ShoalError('over-limit', `${limits.mendsPerOwnerMax} films of yours are being written anew: try again in a while`) // prettier-ignore
    if (all.length >= limits.mendsWaitingMax)
      throw new ShoalError('over-limit', 'many films are being written anew: try again in a while')
  }

  /** Of one file, or of all of a draft. Resolves when nothing of it is left. */
  async stop(draftId: string, path?: string): Promise<void> {
    const all = [...this.#underWay].filter(([key, { draftId: of }]) => of === draftId && (path === undefined || key === keyOf(of, path))) // prettier-ignore
    for (const [key, { stop, isRunning }] of all) {
      stop.abort(new ShoalError('interrupted', 'stopped'))
      if (!isRunning) this.#underWay.delete(key)
    }
    await Promise.all(all.filter(([, { isRunning }]) => isRunning).map(([, { ended }]) => ended))
  }

  stateOf(draftId: string, path: string): MendState {
    const key = keyOf(draftId, path)
    const { doneBytes, sizeBytes } = this.#underWay.get(key) ?? {}
    const problem = this.#problems.get(key)
    return {
      ...(doneBytes !== undefined && sizeBytes !== undefined && { doneBytes, sizeBytes }),
      ...(problem !== undefined && { problem }),
    }
  }

  isUnderWay(draftId: string): boolean {
    return [...this.#underWay.values()].some((one) => one.draftId === draftId)
  }

  /** What a crash left between the mark and the move. What cannot be made good keeps no portal from starting: the next start tries again. */
  async recover(): Promise<void> {
    for (const file of await this.#parts.files.beingReplaced()) {
      try {
        const draft = await this.#parts.drafts.find(file.draft_id)
        if (draft !== undefined) await this.#replace(draft, file)
      } catch (error) {
        this.#parts.log.error({ draft: file.draft_id, err: error }, 'a mended file could not take its place')
        this.#note(keyOf(file.draft_id, file.path), 'what was written anew could not take its place; the log says why') // prettier-ignore
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { draftId } of [...this.#underWay.values()]) await this.stop(draftId)
  }

  /** Never rejects. */
  async #mend(
    maker: ReleaseMaker,
    draft: StoredDraft,
    file: DraftFileRow,
    signal: AbortSignal,
  ): Promise<void> {
    const { folder, turns, log } = this.#parts
    const key = keyOf(file.draft_id, file.path)
    const state = this.#underWay.get(key)
    if (isStopped(signal) || state === undefined) return
    state.isRunning = true
    const id = `mend-${randomBytes(12).toString('base64url')}`
    try {
      const [from, to] = [folder.pathOf(draft, file.path), folder.incomingPath(id)]
      const onProgress = (doneBytes: number): void => void (state.doneBytes = doneBytes)
      try {
        const mended = await maker.mend(from, to, onProgress, signal)
        await turns.run(draft.id, async () => {
          signal.throwIfAborted()
          const marked = await this.#parts.files.markMended(file, { id, ...mended })
          if (marked === undefined) throw new ShoalError('conflict', 'it changed meanwhile')
          // from here on it is what is published, also after a crash
          await this.#replace(draft, marked)
        })
      } finally {
        if ((await this.#parts.files.ofUpload(id)) === undefined) await folder.forgetUpload(id)
      }
    } catch (error) {
      if (isStopped(signal)) return
      this.#note(key, error instanceof ShoalError ? messageOf(error) : 'it could not be written; the log says why') // prettier-ignore
      if (!(error instanceof ShoalError)) log.error({ draft: draft.id, err: error }, 'mending a file failed')
    } finally {
      if (this.#underWay.get(key) === state) this.#underWay.delete(key)
    }
  }

  /** May be repeated. */
  async #replace(draft: StoredDraft, file: DraftFileRow): Promise<void> {
    if (file.upload_id !== null) await this.#parts.folder.replace(draft, file.upload_id, file.path)
    await this.#parts.files.replaced(file)
  }

  #note(key: string, problem: string): void {
    this.#problems.delete(key)
    this.#problems.set(key, problem)
    for (const oldest of [...this.#problems.keys()].slice(0, -PROBLEMS_MAX)) this.#problems.delete(oldest)
  }
}

const isStopped = (signal: AbortSignal): boolean => signal.aborted

const keyOf = (draftId: string, path: string): string => `${draftId} ${path}`
