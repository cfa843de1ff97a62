/** Which portal to ask and which token to show, by what the person said, then by what lies in the data folder. */
import { join } from 'node:path'
import { quote } from '../core/file-name.ts'
import { ShoalError } from '../core/errors.ts'
import { readFileBounded, readSecretFile } from '../platform/files.ts'
import { limits } from '../wire/limits.ts'
import { DeviceFiles } from './device-files.ts'
import { LoginFile } from './login-file.ts'
import { portalOrigin } from './portal-address.ts'
import { TrustStore } from './trust-store.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What the HTTP header `Authorization: Bearer` can carry, and longer than any token of ours. */
const TOKEN = /^[\x21-\x7e]{1,1024}$/

/**
 * `--token-file`, `$SHOAL_TOKEN_FILE`, `$SHOAL_TOKEN`, what `shoal login` got for `portal`, `DATA/admin.token`, what this machine
 * got when it was enrolled by a code; undefined when there is none.
 *
 * @throws ShoalError `bad-usage` when the one that was named is empty or cannot be read, `not-granted` when
 *   others may read a file of the data folder. No message holds the token.
 */
export async function resolveToken(from: {
  readonly flagFile?: string | undefined
  readonly env: Env
  readonly dataDir: string
  readonly portal: string | undefined
}): Promise<string | undefined> {
  const { flagFile, env, dataDir, portal } = from
  if (flagFile !== undefined) return await tokenIn(flagFile)
  const envFile = env['SHOAL_TOKEN_FILE']
  if (envFile !== undefined && envFile !== '') return await tokenIn(envFile)
  const envToken = env['SHOAL_TOKEN']
  if (envToken !== undefined && envToken !== '') return checkedToken(envToken, '$SHOAL_TOKEN')
  const own = portal === undefined ? undefined : await new LoginFile(dataDir, portal).token()
  if (own !== undefined) return own
  const path = join(dataDir, 'admin.token')
  const admin = await readSecretFile(path)
  if (admin !== undefined) return checkedToken(admin, quote(path))
  return portal === undefined ? undefined : new DeviceFiles(dataDir, portal).token()
}

/** Named by a person: any mode will do, since secrets are mounted read-only for all in containers. */
async function tokenIn(path: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = await readFileBounded(path, limits.tokenFileBytesMax)
  } catch (error) {
    throw new ShoalError(
      'bad-usage',
      `the token file ${quote(path)} cannot be read: does it exist, and may you read it?`,
      { cause: error },
    )
  }
  return checkedToken(Buffer.from(bytes).toString('utf8'), quote(path))
}

function checkedToken(text: string, where: string): string {
  const token = text.trim()
  if (token === '') throw new ShoalError('bad-usage', `${where} is empty, a token was expected`)
  if (!TOKEN.test(token))
    throw new ShoalError('bad-usage', `what ${where} holds is no token: one word was expected`)
  return token
}

/** Where `shoal up` leaves the address of its portal, for the commands on the same machine. */
export const portalUrlFile = (dataDir: string): string => join(dataDir, 'portal.url')

/**
 * `--portal`, `$SHOAL_PORTAL`, `DATA/portal.url`, then the one trusted portal. The answer is an origin.
 *
 * @throws ShoalError `bad-usage` that says what to type.
 */
export async function resolvePortalUrl(from: {
  readonly flag?: string | undefined
  readonly env: Env
  readonly dataDir: string
}): Promise<string> {
  if (from.flag !== undefined) return portalOrigin(from.flag)
  const fromEnv = from.env['SHOAL_PORTAL']
  if (fromEnv !== undefined && fromEnv !== '') return portalOrigin(fromEnv)
  const left = await portalLeftByUp(from.dataDir)
  if (left !== undefined) return portalOrigin(left)
  const trusted = await new TrustStore(from.dataDir).all()
  const [only, ...others] = trusted
  if (only !== undefined && others.length === 0) return only.origin
  const names = trusted.map((portal) => portal.origin).join(', ')
  throw new ShoalError(
    'bad-usage',
    only === undefined
      ? 'which portal? Say --portal URL or $SHOAL_PORTAL (where "shoal up" runs, its own is taken)'
      : `which portal? Say --portal URL; this machine trusts ${names}`,
  )
}

async function portalLeftByUp(dataDir: string): Promise<string | undefined> {
  try {
    const bytes = await readFileBounded(portalUrlFile(dataDir), limits.urlCharsMax)
    return Buffer.from(bytes).toString('utf8').trim()
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'not-found') return undefined
    throw error
  }
}
