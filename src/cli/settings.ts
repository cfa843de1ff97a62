/** All settings of all roles, from DATA/shoal.toml (or the file of `$SHOAL_CONFIG`) and the environment. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadSettings, type SettingsOf } from '../platform/config.ts'
import { companyLoginSettings, learningSettings, portalSettings } from '../portal/index.ts'
import { gatewaySettings } from '../gateway/index.ts'
import { librarySettings, seederSettings } from '../seeder/index.ts'
import { trackerSettings } from '../tracker/index.ts'
import type { Context } from './context.ts'
import { webrtcSettings } from './webrtc-settings.ts'

/** By section of the file; `docs/settings.md` is printed from it. */
export const settingsTables = {
  portal: portalSettings,
  companyLogin: companyLoginSettings,
  learning: learningSettings,
  tracker: trackerSettings,
  library: librarySettings,
  seeder: seederSettings,
  gateway: gatewaySettings,
  webrtc: webrtcSettings,
}

export type AllSettings = {
  readonly [S in keyof typeof settingsTables]: SettingsOf<(typeof settingsTables)[S]>
}

/** @throws ShoalError `bad-usage` that lists every problem. */
export async function loadAllSettings(context: Context): Promise<AllSettings> {
  const named = context.env['SHOAL_CONFIG']
  const usual = join(context.dataDir, 'shoal.toml')
  const file = named ?? (existsSync(usual) ? usual : undefined)
  return await loadSettings(settingsTables, { env: context.env, ...(file === undefined ? {} : { file }) })
}
