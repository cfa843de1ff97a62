/** The system's chance, for decisions that need no secrecy. Secrets come from node:crypto. */
import type { Random } from '../core/random.ts'

export const systemRandom: Random = () => Math.random()
