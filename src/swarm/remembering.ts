/** Keeping what a torrent knows of its swarm across restarts, and using it while no tracker answers. */
import { messageOf } from '../core/errors.ts'
import { seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import { admissionOf } from './admission.ts'
import { onPeersNamed } from './connecting.ts'
import { askAround } from './peer-exchange.ts'
import { decodeRemembered, encodeRemembered } from './remembered-peers.ts'
import type { SwarmState } from './swarm-state.ts'

/** Loss of the last minute's news costs a dial or two. */
const SAVE_EVERY = seconds(60)
/** A tracker that has not said a word for so long after the start is taken for one that is away. */
const FIRST_WORD_MAX = seconds(3)

export function startRemembering(s: SwarmState): void {
  const { peersPath, infoHash } = s.spec
  if (peersPath === undefined) return
  s.shared.storage.loadState(peersPath).then(
    (bytes) => {
      if (bytes !== undefined) s.post({ kind: 'peers-recalled', bytes })
    },
    (error: unknown) =>
      s.shared.log.warn({ infoHash, reason: messageOf(error) }, 'the remembered peers cannot be read'),
  )
}

export function onRecalled(s: SwarmState, bytes: Uint8Array): void {
  const { infoHash } = s.spec
  try {
    s.memory.recall(decodeRemembered(bytes, infoHash, s.shared.clock.epoch()))
  } catch (error) {
    s.shared.log.warn({ infoHash, reason: messageOf(error) }, 'the remembered peers are forgotten')
  }
}

/** Once a second. */
export function mindMemory(s: SwarmState): void {
  if (isWithoutTracker(s)) {
    const { memory, shared } = s
    const now = shared.clock.now()
    // Again each minute: dialling forgets who failed often, and a machine may have been off for an hour.
    if (now - (memory.namedAt ?? -Infinity) >= limits.exchangeEvery && memory.endpoints.length > 0) {
      memory.namedAt = now
      admissionOf(s)?.vouch(...memory.endpoints.map(({ host }) => host))
      onPeersNamed(s, memory.endpoints)
    }
    askAround(s)
  }
  saveMemorySoon(s)
}

/** Not where a tracker refuses us: who has no right to be told of peers does not go round it. */
function isWithoutTracker({ memory, shared }: SwarmState): boolean {
  if (memory.tracker !== 'unheard') return memory.tracker === 'away'
  return shared.clock.now() - memory.startedAt >= FIRST_WORD_MAX
}

function saveMemorySoon(s: SwarmState): void {
  const { memory } = s
  if (!memory.isDirty || memory.saving !== undefined) return
  const now = s.shared.clock.now()
  if (now - (memory.savedAt ?? -Infinity) < SAVE_EVERY) return
  memory.savedAt = now
  memory.saving = save(s).finally(() => (memory.saving = undefined))
}

/** The last save, when the torrent stops. Never throws. */
export async function saveMemoryNow(s: SwarmState): Promise<void> {
  await s.memory.saving
  if (s.memory.isDirty) await save(s)
}

async function save(s: SwarmState): Promise<void> {
  const { peersPath, infoHash } = s.spec
  s.memory.isDirty = false
  if (peersPath === undefined) return
  try {
    const bytes = encodeRemembered(infoHash, s.memory.content)
    await s.shared.storage.saveState(peersPath, bytes, { isPrivate: true })
  } catch (error) {
    s.memory.isDirty = true
    s.shared.log.warn({ infoHash, reason: messageOf(error) }, 'the peers of a torrent were not remembered')
  }
}
