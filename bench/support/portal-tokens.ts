/** The accounts that ask, made over the API as an operator makes them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GROUPS } from './words.ts'
import type { HttpLoad } from './http-load.ts'

export interface Tokens {
  readonly admin: string
  /** In two departments. */
  readonly viewer: string
  /** In no department: sees what is for everyone. */
  readonly guest: string
  /** In as many departments as an account may be. */
  readonly manager: string
  /** Those who take links. */
  readonly people: readonly string[]
}

const PEOPLE = 32

export async function createTokens(load: HttpLoad, dataDir: string): Promise<Tokens> {
  const admin = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  const create = async (name: string, groups: readonly string[]): Promise<string> => {
    const body = JSON.stringify({ name, role: 'viewer', groups })
    const reply = await load.send({ method: 'POST', path: '/api/v1/tokens', token: admin, body })
    if (reply.status !== 201) throw new Error(`no token: ${reply.status} ${reply.body}`)
    return (JSON.parse(reply.body) as { token: string }).token
  }
  const people: string[] = []
  for (let i = 0; i < PEOPLE; i++) people.push(await create(`person-${i}`, []))
  return {
    admin,
    viewer: await create('viewer', GROUPS.slice(3, 5)),
    guest: await create('guest', []),
    manager: await create('manager', GROUPS.slice(0, 64)),
    people,
  }
}
