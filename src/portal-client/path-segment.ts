import { ShoalError } from '../core/errors.ts'

/** One segment of a path. URLs take `.` and `..` for steps, however they are spelt. @throws ShoalError `bad-usage`. */
export function segment(text: string): string {
  if (text === '' || text === '.' || text === '..')
    throw new ShoalError('bad-usage', `${JSON.stringify(text)} is no name`)
  return encodeURIComponent(text)
}
