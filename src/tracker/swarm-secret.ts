/** The secret of the swarm keys in a data folder: made at the first start, the same ever after. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { quote } from '../core/file-name.ts'
import { ShoalError } from '../core/errors.ts'
import { readSecretFile, writeSecretFile } from '../platform/files.ts'

const SECRET_BYTES = 32
const SECRET_TEXT = /^[0-9a-f]{64}$/

/** @throws ShoalError `bad-input` when the file holds something else, `not-granted` when others may read it. */
export async function keptSwarmSecret(dataDir: string): Promise<Uint8Array> {
  const path = join(dataDir, 'tracker', 'swarm.key')
  const text = await readSecretFile(path)
  if (text !== undefined) {
    if (!SECRET_TEXT.test(text))
      throw new ShoalError(
        'bad-input',
        `${quote(path)} holds no swarm secret: remove it, and one is made anew`,
      )
    return Buffer.from(text, 'hex')
  }
  const made = randomBytes(SECRET_BYTES)
  await writeSecretFile(path, made.toString('hex'))
  return made
}
