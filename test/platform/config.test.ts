import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { millis, type Millis, seconds } from '../../src/core/units.ts'
import {
  loadSettings,
  readConfig,
  type Setting,
  type SettingsTable,
  variableOf,
} from '../../src/platform/config.ts'
import {
  readBoolean,
  readInteger,
  readList,
  readMillis,
  readOneOf,
  readText,
} from '../../src/platform/setting-readers.ts'
import { settingsManual } from '../../src/platform/settings-manual.ts'

const trackerTable = {
  announceIntervalMs: {
    parse: readMillis(seconds(1), seconds(3_600)),
    fallback: seconds(60),
    help: 'How long a peer waits.',
  } satisfies Setting<Millis>,
  names: { parse: readList(readText(10)), fallback: [], help: 'Names.' } satisfies Setting<readonly string[]>,
  isOpen: { parse: readBoolean, fallback: false, help: 'Open or not.' } satisfies Setting<boolean>,
}
const portalTable = {
  key: {
    parse: readText(20),
    fallback: undefined,
    help: 'A key.',
    isSecret: true,
  } satisfies Setting<string | undefined>,
  mode: { parse: readOneOf('fast', 'safe'), fallback: 'safe', help: 'Mode.' } satisfies Setting<
    'fast' | 'safe'
  >,
}
const tables = { tracker: trackerTable, portal: portalTable }

const wrong =
  (...words: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof ShoalError && error.code === 'bad-usage', String(error))
    for (const word of words) assert.match(error.message, word)
    return true
  }

describe('settings', () => {
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-config-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  async function file(text: string): Promise<string> {
    const path = join(dir, 'shoal.toml')
    await writeFile(path, text)
    return path
  }

  it('take their fallback when nothing is given, and are frozen', async () => {
    const settings = await loadSettings(tables, {})
    assert.deepEqual(settings.tracker, { announceIntervalMs: 60_000, names: [], isOpen: false })
    assert.deepEqual(settings.portal, { key: undefined, mode: 'safe' })
    assert.ok(Object.isFrozen(settings) && Object.isFrozen(settings.tracker))
  })

  it('follow the flag, else the environment, else the file', async () => {
    const path = await file('[tracker]\nannounceIntervalMs = 2000\nnames = ["a", "b"]\nisOpen = true\n')
    const env = { SHOAL_TRACKER_ANNOUNCE_INTERVAL_MS: '3000', SHOAL_TRACKER_IS_OPEN: 'false', HOME: '/x' }
    const flags = { 'tracker.announceIntervalMs': '4000', 'tracker.names': undefined }
    const { tracker } = await loadSettings(tables, { file: path, env, flags })
    assert.deepEqual(tracker, { announceIntervalMs: 4_000, names: ['a', 'b'], isOpen: false })
  })

  it('read a secret from the file that the variable names', async () => {
    const path = join(dir, 'key')
    await writeFile(path, 'secret\n')
    const { portal } = await loadSettings(tables, { env: { SHOAL_PORTAL_KEY_FILE: path } })
    assert.equal(portal.key, 'secret')
  })

  it('tell all that is wrong at once, and never a secret value', async () => {
    const path = await file('[tracker]\nannounceIntervalMs = 1.5\nspeed = 1\n[trakker]\nx = 1\n')
    const env = {
      SHOAL_PORTAL_MODE: 'quick',
      SHOAL_NONSENSE: '1',
      SHOAL_PORTAL_KEY: 'far too long a secret to be read',
      SHOAL_DATA: '/d',
    }
    await assert.rejects(loadSettings(tables, { file: path, env }), (error) => {
      assert.doesNotMatch(String(error), /far too long|SHOAL_DATA/)
      return wrong(
        /tracker\.announceIntervalMs: a whole number from 1000 to 3600000 expected, got "1\.5"/,
        /tracker\.speed: there is no such setting/,
        /there is no setting trakker\.x/,
        /SHOAL_PORTAL_MODE: one of fast, safe expected, got "quick"/,
        /SHOAL_NONSENSE: there is no such setting/,
        /SHOAL_PORTAL_KEY: not valid/,
      )(error)
    })
  })

  it('refuse a file that is no TOML, naming it', async () => {
    await assert.rejects(loadSettings(tables, { file: await file('= 1') }), wrong(/shoal\.toml: /))
    await assert.rejects(
      loadSettings(tables, { file: await file('x = 1') }),
      wrong(/x must stand under a \[section\]/),
    )
  })

  it('refuse a value given twice, by itself and by file', async () => {
    const env = { SHOAL_PORTAL_MODE: 'fast', SHOAL_PORTAL_MODE_FILE: await file('safe') }
    await assert.rejects(loadSettings(tables, { env }), wrong(/not both/))
  })

  it('can be read of one table', () => {
    assert.deepEqual(readConfig(trackerTable, { announceIntervalMs: '1000', names: undefined }), {
      announceIntervalMs: millis(1_000),
      names: [],
      isOpen: false,
    })
    assert.throws(() => readConfig(trackerTable, { __proto__x: '1' }), wrong(/__proto__x/))
  })

  it('refuse numbers that only look like one', () => {
    const read = readInteger(0, 10)
    for (const text of ['', ' ', '1e1', '0x1', '1.0', '11', '-1', 'NaN', '١'])
      assert.throws(() => read(text), wrong(/whole number/))
  })

  it('have a manual that names each with its help, its variable and its fallback', () => {
    const all: Readonly<Record<string, SettingsTable>> = tables
    const manual = settingsManual(all)
    for (const [section, table] of Object.entries(all)) {
      for (const [key, { help }] of Object.entries(table)) {
        assert.ok(manual.includes(`\`${section}.${key}\``))
        assert.ok(manual.includes(help))
        assert.ok(manual.includes(variableOf(section, key)))
      }
    }
    assert.match(manual, /Fallback: `60000` \(1 min\)\. Environment: `SHOAL_TRACKER_ANNOUNCE_INTERVAL_MS`/)
  })
})
