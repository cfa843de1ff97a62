/** Parsers of short texts: what people type, and addresses. */
import assert from 'node:assert/strict'
import { parseTarget } from '../../../../src/client/target.ts'
import { addressOfBytes, bytesOfAddress, tryIpAddress } from '../../../../src/core/address.ts'
import { quote, refusalOfName, refusalOfPaths } from '../../../../src/core/file-name.ts'
import { parseDuration, parseRate, parseSize } from '../../../../src/core/quantity-text.ts'
import { canonicalCidr } from '../../../../src/core/site.ts'
import * as readers from '../../../../src/platform/setting-readers.ts'
import { matchesFileGlob } from '../../../../src/platform/file-glob.ts'
import { selectFiles } from '../../../../src/portal/grants/select-files.ts'
import { formatRateSchedule, parseRateSchedule } from '../../../../src/wire/rate-schedule.ts'
import { bytesOfText, eachWay, type Target, textOf, utf8Of } from '../target.ts'

const PATHS = ['a/b.txt', 'a/c.mp4', 'É é.txt', 'a.b', `${'a/'.repeat(20)}z`, 'a'.repeat(200)]

export const textTargets: readonly Target[] = [
  {
    name: 'durations, sizes, rates',
    files: ['core/quantity-text.ts'],
    dialect: 'words',
    words: [
      'ms',
      's',
      'm',
      'h',
      'd',
      'b',
      'k',
      'kB',
      'MiB',
      'GiB',
      'Mbit',
      'kbit',
      'Mbit/s',
      '/s',
      'MB/s',
      '.',
      '0',
      '1.5',
      '000000001',
    ],
    seeds: [
      '90s',
      '24h',
      '500ms',
      '16777216',
      '64k',
      '20MB',
      '1.5 GiB',
      '2MB/s',
      '20Mbit/s',
      '0.5kbit',
      '0',
    ].map(bytesOfText),
    frame: (bytes) => /^\d/.test(textOf(bytes)),
    read: (bytes) => {
      const text = textOf(bytes)
      eachWay(
        () => parseDuration(text),
        () => parseSize(text),
        () => parseRate(text),
      )
    },
  },
  {
    name: 'rate schedules',
    files: ['wire/rate-schedule.ts'],
    beside: ['formatRateSchedule', 'ruleText', 'rateText', 'timeText'],
    dialect: 'words',
    corpus: 'rate-schedule',
    words: [
      'mon',
      'fri',
      'sun',
      'xyz',
      '-',
      ' ',
      ':',
      ', ',
      '8',
      '18',
      '24',
      '6:30',
      '9:60',
      '2MB',
      '1Mbit',
      'unlimited',
      '0',
    ],
    seeds: [
      '2MB',
      '20Mbit, mon-fri 8-18: 4Mbit, sat-sun: unlimited',
      '22:30-6: 1MB,mon 500kB',
      '8-8: 1MB',
      '24-3: 1MB',
      '8-25: 1MB',
      'xyz 1MB',
      '1MB, 2MB',
      '99999999GB',
    ].map(bytesOfText),
    frame: (bytes) => /[0-9]/.test(textOf(bytes)),
    read: (bytes) => {
      const schedule = parseRateSchedule(textOf(bytes))
      assert.deepEqual(parseRateSchedule(formatRateSchedule(schedule)), schedule)
    },
  },
  {
    name: 'settings',
    files: ['platform/setting-readers.ts'],
    dialect: 'words',
    words: ['true', 'false', 'everyone', '120000', '-5', ','],
    seeds: ['120000', '-3', 'true', 'false', 'everyone, staff', '', 'a'].map(bytesOfText),
    frame: (bytes) => bytes.length > 0,
    read: (bytes) => {
      const text = utf8Of(bytes)
      eachWay(
        () => readers.readInteger(-5, 1_000_000)(text),
        () => readers.readBoolean(text),
        () => readers.readOneOf('a', 'everyone')(text),
        () => readers.readText(64)(text),
        () => readers.readList(readers.readInteger(0, 9))(text),
        () => readers.readMillis(0 as never, 99 as never)(text),
      )
    },
  },
  {
    name: 'addresses and ranges',
    files: ['core/address.ts', 'core/site.ts'],
    beside: [
      'sameEndpoint',
      'formatEndpoint',
      'isIPv6',
      'ipAddress',
      'policyOf',
      'mayPeer',
      'mayCross',
      'isOneNetwork',
      'isListed',
      'siteOf',
      'defaultSite',
      'holds',
      'constructor',
    ],
    dialect: 'words',
    words: [
      '10.0.0.1',
      '::1',
      'fe80::1%eth0',
      '::ffff:1.2.3.4',
      '/0',
      '/16',
      '/129',
      '0x7f',
      '010',
      '256',
      '1',
      '::',
    ],
    seeds: [
      '10.4.0.0/16',
      '10.0.0.1',
      '2001:db8::/32',
      '::ffff:10.0.0.1',
      '::1',
      '0.0.0.0/0',
      '::ffff:0:0/96',
    ].map(bytesOfText),
    frame: (bytes) => /^[0-9a-f:./]+$/i.test(textOf(bytes)),
    read: (bytes) => {
      const text = textOf(bytes)
      const address = tryIpAddress(text)
      if (address !== undefined) assert.equal(addressOfBytes(bytesOfAddress(address)), address)
      eachWay(
        () => assert.equal(canonicalCidr(canonicalCidr(text)), canonicalCidr(text)),
        () => addressOfBytes(bytes),
      )
    },
  },
  {
    name: 'file names',
    files: ['core/file-name.ts'],
    beside: [],
    dialect: 'words',
    words: ['con', 'aux.txt', '..', 'É', 'e\u0301', '\u202e', '\ud800', 'A', 'a', '/', 'b'],
    seeds: ['a/b.txt\na/c.txt\nA2', 'x', 'a\na/b', 'É\ne', 'aux', 'name.', 'x'.repeat(300)].map(
      (text) => new Uint8Array(Buffer.from(text)),
    ),
    frame: (bytes) => bytes.length > 0,
    read: (bytes) => {
      // What is no UTF-8 is read as half a pair of UTF-16, which a name may hold too.
      const paths = utf8Of(bytes).replaceAll('\ufffd', '\ud800').split('\n')
      for (const name of paths.flatMap((path) => path.split('/'))) refusalOfName(name)
      refusalOfPaths(paths)
      assert.doesNotMatch(quote(utf8Of(bytes)), /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
    },
  },
  {
    name: 'file globs',
    files: ['portal/grants/select-files.ts', 'platform/file-glob.ts'],
    dialect: 'words',
    words: [
      '*',
      '**',
      '?',
      '***',
      '/',
      'a',
      '.txt',
      '[a-z]',
      '{a,b}',
      '+(a|b)',
      '!(x)',
      '\\',
      'a'.repeat(80),
    ],
    seeds: ['*.txt', 'a/**/z', '**', 'a/?.mp4', 'a*a*a', '{a,b}', 'É*'].map(
      (text) => new Uint8Array(Buffer.from(text)),
    ),
    frame: (bytes) => bytes.length > 0 && bytes.length <= 256,
    read: async (bytes) => {
      const glob = utf8Of(bytes).slice(0, 256)
      await selectFiles(PATHS, [glob])
      for (const path of PATHS) matchesFileGlob(path, glob)
    },
  },
  {
    name: 'what to get',
    files: ['client/target.ts'],
    dialect: 'words',
    words: [
      'http://p.example',
      '/bundles/',
      '/releases/',
      '@',
      'latest',
      'magnet:?',
      '.torrent',
      'fire-safety',
      '%2f',
      '?',
      '..',
    ],
    seeds: [
      'fire-safety@1',
      'fire-safety',
      'https://p.example/bundles/x/releases/1',
      'http://p.example/bundles/x/',
      'magnet:?xt=x',
      'x.torrent',
      'http://p.example/',
      'http://[',
      'A@b',
    ].map(bytesOfText),
    frame: (bytes) => bytes.length > 0,
    read: (bytes) => parseTarget(textOf(bytes)),
  },
]
