/** People and groups in the portal's REST API, from outside: for admins. */
import type { z } from 'zod'
import type * as Api from '../wire/api.ts'
import { segment } from './path-segment.ts'
import type { PortalRequests } from './portal-requests.ts'

export interface PeopleQuery {
  readonly q?: string
  readonly group?: string
  readonly cursor?: string
}

export class PeopleClient {
  readonly #ask: PortalRequests

  constructor(ask: PortalRequests) {
    this.#ask = ask
  }

  /** All that match, page by page as they are asked for. */
  async *all(query: Omit<PeopleQuery, 'cursor'> = {}, signal?: AbortSignal): AsyncGenerator<Api.Person> {
    let cursor: string | undefined
    do {
      const given = { ...query, ...(cursor === undefined ? {} : { cursor }) }
      const page = await this.#ask.json('/users', { query: given }, (api) => api.zPersonPage, signal)
      yield* page.items
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }

  find(name: string, signal?: AbortSignal): Promise<Api.Person> {
    return this.#ask.json(`/users/${segment(name)}`, {}, (api) => api.zPerson, signal)
  }

  /** The answer holds the link of the invitation: the only time it is shown. */
  create(person: Api.NewPerson, signal?: AbortSignal): Promise<z.infer<typeof Api.zInvited>> {
    return this.#ask.json('/users', { method: 'POST', json: person }, (api) => api.zInvited, signal)
  }

  change(name: string, change: Api.PersonChange, signal?: AbortSignal): Promise<Api.Person> {
    const call = { method: 'PUT', json: change } as const
    return this.#ask.json(`/users/${segment(name)}`, call, (api) => api.zPerson, signal)
  }

  invite(name: string, signal?: AbortSignal): Promise<Api.Invitation> {
    return this.#act(name, 'invitation', (api) => api.zInvitation, signal)
  }

  disable(name: string, signal?: AbortSignal): Promise<z.infer<typeof Api.zDisabled>> {
    return this.#act(name, 'disable', (api) => api.zDisabled, signal)
  }

  enable(name: string, signal?: AbortSignal): Promise<Api.Person> {
    return this.#act(name, 'enable', (api) => api.zPerson, signal)
  }

  async groups(signal?: AbortSignal): Promise<readonly Api.Group[]> {
    return (await this.#ask.json('/groups', {}, (api) => api.zGroupList, signal)).items
  }

  createGroup(group: Api.NewGroup, signal?: AbortSignal): Promise<Api.Group> {
    return this.#ask.json('/groups', { method: 'POST', json: group }, (api) => api.zGroup, signal)
  }

  async deleteGroup(name: string, signal?: AbortSignal): Promise<void> {
    await this.#ask.send(`/api/v1/groups/${segment(name)}`, { method: 'DELETE' }, signal)
  }

  /** Harmless where it is so already. */
  async join(group: string, person: string, signal?: AbortSignal): Promise<void> {
    await this.#ask.send(memberPath(group, person), { method: 'PUT' }, signal)
  }

  /** Harmless where it is so already. */
  async leave(group: string, person: string, signal?: AbortSignal): Promise<void> {
    await this.#ask.send(memberPath(group, person), { method: 'DELETE' }, signal)
  }

  #act<T>(
    name: string,
    act: string,
    schemaOf: (api: typeof Api) => z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#ask.json(`/users/${segment(name)}/${act}`, { method: 'POST' }, schemaOf, signal)
  }
}

const memberPath = (group: string, person: string): string =>
  `/api/v1/groups/${segment(group)}/members/${segment(person)}`
