/** What stands in the column `ranges`: written by us alone. */
import { z } from 'zod'
import type { TimeRange } from '../../core/time-ranges.ts'

const zRanges = z.array(z.tuple([z.number(), z.number()]))

export const rangesIn = (json: string): TimeRange[] => zRanges.parse(JSON.parse(json))
