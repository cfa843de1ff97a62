/** REST: devices and their certificates, and permits for them. */
import { z } from 'zod'
import { zDeviceId } from '../../wire/api.ts'
import {
  zDeviceCode,
  zDeviceList,
  zEnrolled,
  zEnrolment,
  zNewDeviceCode,
  zPermit,
  zPermitRequest,
} from '../../wire/device-api.ts'
import { seconds } from '../../core/units.ts'
import { isoTime } from '../catalogue/rows.ts'
import { tokenNameOf } from '../devices/devices.ts'
import { mustBeAllowed, mustHaveDevice, readGrant, readRelease } from '../access.ts'
import { may } from '../policy.ts'
import { route, type ApiRoute } from './route.ts'

const byId = z.object({ id: zDeviceId })

export const deviceRoutes: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/devices',
    summary:
      'Enrols a device, or gives it a fresh certificate: a request (PKCS #10) signed by its own key. By a token, or by "Authorization: Code …" once',
    body: zEnrolment,
    takesCode: true,
    answers: [{ status: 201, schema: zEnrolled }],
    handle: async ({ services, account, body, isByCode }) => {
      const enrolled = await services.devices.enrol(account, body)
      if (!isByCode) return { status: 201, json: enrolled }
      const { user, role, groups } = account
      const name = tokenNameOf(enrolled.device.device)
      const { token } = await services.tokens.create({ name, role, user, groups: [...groups] }, user)
      return { status: 201, json: { ...enrolled, token } }
    },
  }),
  route({
    method: 'post',
    path: '/devices/codes',
    summary: 'A one-time code by which a machine without a token enrols for a person, as a viewer',
    body: zNewDeviceCode,
    answers: [{ status: 201, schema: zDeviceCode }],
    handle: async ({ services, account, body }) => {
      mustBeAllowed(account, { kind: 'manage-devices' })
      const { user, groups, expiresInSeconds } = body
      const whose = { user, role: 'viewer', groups } as const
      const { code, expiresAt } = await services.deviceCodes.create(whose, {
        life: seconds(expiresInSeconds),
        by: account.user,
      })
      return { status: 201, json: { code, expiresAt: isoTime(expiresAt) } }
    },
  }),
  route({
    method: 'get',
    path: '/devices',
    summary: 'Devices, newest first: all for an admin, else yours',
    answers: [{ status: 200, schema: zDeviceList }],
    handle: async ({ services, account }) => {
      const user = may(account, { kind: 'manage-devices' }) ? undefined : account.user
      return { status: 200, json: { items: await services.devices.list(user) } }
    },
  }),
  route({
    method: 'delete',
    path: '/devices/{id}',
    summary: 'Revokes a device for ever: our origins and clients drop it within seconds',
    params: byId,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params }) => {
      await mustHaveDevice(services, account, params.id)
      await services.devices.revoke(params.id, account.user)
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/permits',
    summary: 'A permit for a device, as long as the grant that it goes with; policy is checked again',
    body: zPermitRequest,
    answers: [{ status: 201, schema: zPermit }],
    handle: async ({ services, account, body }) => {
      const grant = await readGrant(services, account, { id: body.grant, kind: 'renew-grant' })
      await mustHaveDevice(services, account, body.device, { isLive: true })
      const { facts, release } = await readRelease(services, account, {
        slug: grant.bundle,
        name: grant.release,
      })
      mustBeAllowed(account, { kind: 'link', bundle: facts, state: release.state, forUser: grant.for_user })
      return { status: 201, json: await services.permits.issue(grant, body.device) }
    },
  }),
]
