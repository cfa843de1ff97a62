/** The two tokens that the portal writes into its data folder, readable by this user only. */
import { join } from 'node:path'
import { readSecretFile, writeSecretFile } from '../../platform/files.ts'
import { newTokenText, type Tokens } from './tokens.ts'

export interface TokenFiles {
  readonly adminTokenFile: string
  readonly originToken: string
  readonly isFirstStart: boolean
}

/**
 * The admin's is written at the first start only: an operator may take it away. The origin's is renewed
 * whenever its file is not good, since the roles of this process live by it. A file is written before its
 * token is valid, so a crash in between leaves no token that nobody knows.
 */
export async function ensureTokenFiles(tokens: Tokens, dataDir: string): Promise<TokenFiles> {
  const adminTokenFile = join(dataDir, 'admin.token')
  const originTokenFile = join(dataDir, 'origin.token')
  const isFirstStart = await tokens.isEmpty()
  if (isFirstStart) {
    const text = newTokenText()
    await writeSecretFile(adminTokenFile, `${text}\n`)
    await tokens.create({ name: 'admin', role: 'admin', groups: [] }, 'first start', text)
  }
  const there = await readSecretFile(originTokenFile)
  const account = there === undefined ? undefined : await tokens.accountOf(there)
  if (there !== undefined && account?.role === 'origin')
    return { adminTokenFile, originToken: there, isFirstStart }
  for (const old of await tokens.list())
    if (old.role === 'origin' && old.name === 'origin') await tokens.delete(old.id, 'start')
  const originToken = newTokenText()
  await writeSecretFile(originTokenFile, `${originToken}\n`)
  await tokens.create({ name: 'origin', role: 'origin', groups: [] }, 'start', originToken)
  return { adminTokenFile, originToken, isFirstStart }
}
