/** `DATA/login/PORTAL`: the API token that `shoal login` got for this user of this machine. */
import { join } from 'node:path'
import { readSecretFile, writeSecretFile } from '../platform/files.ts'

export class LoginFile {
  readonly path: string

  constructor(dataDir: string, portal: string) {
    this.path = join(dataDir, 'login', portal.replaceAll(/[^a-zA-Z0-9.-]+/g, '_'))
  }

  /** @throws ShoalError `not-granted` when others may read it. */
  async token(): Promise<string | undefined> {
    return (await readSecretFile(this.path))?.trim()
  }

  async keep(token: string): Promise<void> {
    await writeSecretFile(this.path, `${token}\n`)
  }
}
