/** REST: drafts, which are what is published through the portal. Their files come by `upload-routes.ts`. */
import { z } from 'zod'
import {
  zDraft,
  zDraftChange,
  zDraftFileList,
  zDraftFileQuery,
  zDraftId,
  zDraftList,
  zDraftQuery,
  zFileRemoval,
  zFrameNumber,
  zLibraryListing,
  zLibraryQuery,
  zMendRequest,
  zNewDraft,
  zNewFiles,
  zReview,
} from '../../wire/api.ts'
import {
  addDraftFiles,
  changeDraft,
  createDraft,
  deleteDraft,
  frameOfDraft,
  listDraftFiles,
  listDrafts,
  listLibrary,
  mendDraftFile,
  removeDraftFile,
  reviewDraft,
  showDraft,
  stopMending,
  submitDraft,
  takeBackDraft,
} from '../publishing/draft-access.ts'
import { route, type ApiRoute } from './route.ts'

const byId = z.object({ id: zDraftId })

export const draftRoutes: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/drafts',
    summary: 'What you are about to publish, and what has become of it; last touched first',
    query: zDraftQuery,
    answers: [{ status: 200, schema: zDraftList }],
    handle: async ({ services, account, query }) => ({
      status: 200,
      json: await listDrafts(services, account, query),
    }),
  }),
  route({
    method: 'post',
    path: '/drafts',
    summary: 'Begins to publish: a new bundle, or a new release of one',
    body: zNewDraft.prefault({}),
    answers: [{ status: 201, schema: zDraft }],
    handle: async ({ services, account, body }) => ({
      status: 201,
      json: await createDraft(services, account, body),
    }),
  }),
  route({
    method: 'get',
    path: '/drafts/{id}',
    summary: 'A draft, and how far it is',
    params: byId,
    answers: [{ status: 200, schema: zDraft }],
    handle: async ({ services, account, params }) => ({
      status: 200,
      json: await showDraft(services, account, params.id),
    }),
  }),
  route({
    method: 'put',
    path: '/drafts/{id}',
    summary: 'Changes what is said of it; what is absent stays',
    params: byId,
    body: zDraftChange,
    answers: [{ status: 200, schema: zDraft }],
    handle: async ({ services, account, params, body }) => ({
      status: 200,
      json: await changeDraft(services, account, params.id, body),
    }),
  }),
  route({
    method: 'delete',
    path: '/drafts/{id}',
    summary: 'Deletes a draft and what was uploaded for it',
    params: byId,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params }) => {
      await deleteDraft(services, account, params.id)
      return { status: 204 }
    },
  }),
  route({
    method: 'get',
    path: '/drafts/{id}/files',
    summary: 'Its files, by path, with where each upload goes on',
    params: byId,
    query: zDraftFileQuery,
    answers: [{ status: 200, schema: zDraftFileList }],
    handle: async ({ services, account, params, query }) => ({
      status: 200,
      json: await listDraftFiles(services, account, { ...params, ...query }),
    }),
  }),
  route({
    method: 'post',
    path: '/drafts/{id}/files',
    summary:
      'Tells of files that will be uploaded (tus 1.0.0 at /api/v1/uploads); refused where there is no room',
    params: byId,
    body: zNewFiles,
    answers: [{ status: 200, schema: zDraft }],
    handle: async ({ services, account, params, body }) => ({
      status: 200,
      json: await addDraftFiles(services, account, params.id, body.files),
    }),
  }),
  route({
    method: 'delete',
    path: '/drafts/{id}/files',
    summary: 'Takes a file out, and deletes what has come of it',
    params: byId,
    query: zFileRemoval,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params, query }) => {
      await removeDraftFile(services, account, params.id, query.path)
      return { status: 204 }
    },
  }),
  route({
    method: 'get',
    path: '/drafts/{id}/review',
    summary: 'What publishing it now would ship',
    params: byId,
    answers: [{ status: 200, schema: zReview }],
    handle: async ({ services, account, params }) => ({
      status: 200,
      json: await reviewDraft(services, account, params.id),
    }),
  }),
  route({
    method: 'get',
    path: '/drafts/{id}/frames/{n}',
    summary: 'A frame of its video, 0 to 2, to choose a poster from',
    params: byId.extend({ n: zFrameNumber }),
    answers: [{ status: 200, type: 'image/jpeg' }],
    handle: async ({ services, account, params, signal }) => ({
      status: 200,
      type: 'image/jpeg',
      bytes: await frameOfDraft(services, account, { ...params, signal }),
    }),
  }),
  route({
    method: 'post',
    path: '/drafts/{id}/mend',
    summary: 'Writes a film anew with its description (moov) in front; how far that is stands with the file',
    params: byId,
    body: zMendRequest,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params, body }) => {
      await mendDraftFile(services, account, params.id, body.path)
      return { status: 204 }
    },
  }),
  route({
    method: 'delete',
    path: '/drafts/{id}/mend',
    summary: 'Stops that: the file stays as it is',
    params: byId,
    query: zFileRemoval,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params, query }) => {
      await stopMending(services, account, params.id, query.path)
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/drafts/{id}/submit',
    summary: 'Hands it in: from here on it goes by itself',
    params: byId,
    answers: [{ status: 200, schema: zDraft }],
    handle: async ({ services, account, params }) => ({
      status: 200,
      json: await submitDraft(services, account, params.id),
    }),
  }),
  route({
    method: 'post',
    path: '/drafts/{id}/take-back',
    summary: 'Takes back what was handed in and is not published yet',
    params: byId,
    answers: [{ status: 200, schema: zDraft }],
    handle: async ({ services, account, params }) => ({
      status: 200,
      json: await takeBackDraft(services, account, params.id),
    }),
  }),
  route({
    method: 'get',
    path: '/library',
    summary: 'What is in a folder of the library of the server, to choose from',
    query: zLibraryQuery,
    answers: [{ status: 200, schema: zLibraryListing }],
    handle: async ({ services, account, query }) => ({
      status: 200,
      json: await listLibrary(services, account, query.path),
    }),
  }),
]
