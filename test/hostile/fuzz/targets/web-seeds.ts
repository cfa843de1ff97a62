/** Parsers of web seeds: ranges asked for and answered, paths, and what the head of an answer means. */
import assert from 'node:assert/strict'
import { ShoalError } from '../../../../src/core/errors.ts'
import { refusalOfName } from '../../../../src/core/file-name.ts'
import { epochMillis } from '../../../../src/core/units.ts'
import { WebSeedFailure } from '../../../../src/swarm/web-seed-failure.ts'
import { followed, mustBeAsked, redirectOf } from '../../../../src/swarm/web-seed-reply.ts'
import {
  formatContentRange,
  formatRange,
  parseContentRange,
  parseRange,
} from '../../../../src/wire/byte-range.ts'
import { parseWebSeedPath, webSeedUrlOf } from '../../../../src/wire/web-seed-path.ts'
import { bytesOfText, eachWay, type Target, textOf } from '../target.ts'

const NOW = epochMillis(1_790_000_000_000)
const FROM = new URL('https://p.example/w/GRANT/a')
const HOSTS = new Set(['p.example:443', 'p.example:80', 't.example:8080'])

export const webSeedTargets: readonly Target[] = [
  {
    name: 'range',
    files: ['wire/byte-range.ts'],
    dialect: 'words',
    corpus: 'range',
    words: [
      'bytes=',
      'bytes ',
      '0-',
      '-5',
      '-0',
      '5-1',
      '0-499',
      '/1000',
      '/*',
      '/',
      ',',
      '99999999999999999',
      ' ',
      '9007199254740991-',
    ],
    seeds: [
      'bytes=0-499',
      'bytes=500-',
      'bytes=-500',
      'lines=1-2',
      'bytes 0-499/1000',
      'bytes 5-9/*',
      'bytes */10',
    ].map(bytesOfText),
    frame: (bytes) => /^bytes[= ]/i.test(textOf(bytes)),
    read: (bytes) => {
      const text = textOf(bytes)
      eachWay(
        () => {
          const range = parseRange(text, 1_000)
          if (range === undefined) throw new ShoalError('bad-input', 'all of it')
          assert.ok(range.from >= 0 && range.from < range.end && range.end <= 1_000)
          assert.deepEqual(parseRange(formatRange(range), 1_000), range)
          parseRange(text, 0)
        },
        () => {
          const range = parseContentRange(text)
          assert.deepEqual(parseContentRange(formatContentRange(range)), range)
        },
      )
    },
  },
  {
    name: 'path of a web seed',
    files: ['wire/web-seed-path.ts'],
    beside: ['webSeedUrlOf'],
    dialect: 'words',
    corpus: 'web-seed-path',
    words: [
      '/w/',
      'GRANT',
      '/',
      '%2f',
      '%2e%2e',
      '..',
      'a.bin',
      'É',
      '%c3%89',
      '%00',
      '%',
      '?',
      '#',
      '%ff',
      'con',
      'x'.repeat(300),
    ],
    seeds: [
      '/w/GRANT/a.bin',
      '/w/GRANT/folder/%C3%89%20b.bin',
      '/w/g/a/b/c',
      '/w/g/it(1).bin',
      '/w/g/x?y',
      '/w//x',
    ].map(bytesOfText),
    frame: (bytes) => textOf(bytes).startsWith('/w/'),
    read: (bytes) => {
      const { grant, landingPath } = parseWebSeedPath(textOf(bytes))
      for (const name of landingPath.split('/')) assert.equal(refusalOfName(name), undefined)
      const written = webSeedUrlOf(`/w/${grant}/`, landingPath, false)
      if (written.length < 8_000) assert.equal(parseWebSeedPath(written).landingPath, landingPath)
    },
  },
  {
    name: 'answer of a web seed',
    files: ['swarm/web-seed-reply.ts'],
    dialect: 'words',
    words: [
      '206', '200', '302', '503', '429', '403', 'bytes 0-9/10', 'bytes 0-9/11', 'bytes 1-9/10', '10', '9', 'gzip', 'identity', '120', '99999999999', 'Thu, 01 Jan 2026 00:01:00 GMT',
      '/b', 'https://p.example/', 'http://p.example/', 'http://169.254.1.1/', '//evil.example', 'https://t.example:8080/x', 'http://[', '\n',
    ], // prettier-ignore
    seeds: [
      '206\nbytes 0-9/10\n10\n\n\n',
      '206\nbytes 0-9/*\n\nidentity\n\n',
      '302\n\n\n\n\n/b',
      '307\n\n\n\n\nhttp://p.example/',
      '301\n\n\n\n\nhttps://t.example:8080/x',
      '302\n\n\n\n\nhttps://evil.example/',
      '303\n\n\n\n\nhttp://169.254.1.1/',
      '308\n\n\n\n\nhttp://[',
      '302',
      '503\n\n\n\n120\n',
      '429\n\n\n\nThu, 01 Jan 2026 00:01:00 GMT\n',
      '200\n\n10\n\n\n',
      '206\n\n10\n\n\n',
      '206\nbytes 0-9/10\n9\n\n\n',
      '206\nbytes 0-9/10\n\ngzip\n\n',
      '404\n\n\n\nsoon\n',
    ].map(bytesOfText),
    frame: (bytes) => /^\d{3}(?:\n|$)/.test(textOf(bytes)),
    read: (bytes) => {
      const [status = '', range, length, encoding, retry, location] = textOf(bytes).split('\n')
      const headers = {
        ...(range ? { 'content-range': range } : {}),
        ...(length ? { 'content-length': length } : {}),
        ...(encoding ? { 'content-encoding': encoding } : {}),
        ...(retry ? { 'retry-after': retry } : {}),
        ...(location ? { location } : {}),
      }
      const head = { status: Number(status), headers }
      try {
        const to = redirectOf(head)
        if (to === undefined) mustBeAsked(head, { from: 0, end: 10, sizeBytes: 10 }, NOW)
        else assert.equal(followed(FROM, to, HOSTS).protocol, 'https:')
      } catch (error) {
        if (!(error instanceof WebSeedFailure)) throw error
        assert.ok(error.retryIn === undefined || (error.retryIn >= 1_000 && error.retryIn <= 3_600_000))
        throw new ShoalError('unavailable', error.message)
      }
    },
  },
]
