/** The person's browser, where there is a screen that could show it. */
import { spawn } from 'node:child_process'

/** By platform: what opens an address. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
  linux: ['xdg-open'],
}

/** False where it could not be started; whether anybody sees it is not known. */
export function openBrowser(url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  // an address from outside: other schemes start other programs
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return Promise.resolve(false)
  const [command, ...args] = OPENERS[process.platform] ?? []
  const hasScreen = process.platform !== 'linux' || Boolean(env['DISPLAY'] ?? env['WAYLAND_DISPLAY'])
  if (command === undefined || !hasScreen) return Promise.resolve(false)
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
    child.once('error', () => {
      resolve(false)
    })
  })
}
