import assert from 'node:assert/strict'
import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { httpModuleFor } from '../../src/platform/http-module.ts'

describe('httpModuleFor', () => {
  it('gives TLS to https and plain HTTP to http', () => {
    assert.equal(httpModuleFor(new URL('https://a.example')).request, overHttps)
    assert.equal(httpModuleFor(new URL('http://a.example')).request, overHttp)
  })
})
