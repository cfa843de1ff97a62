/** Transmission's daemon: it takes the .torrent from the folder that it watches, and runs a program when done. */
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startOn } from '../../test/support/namespaces.ts'
import { until } from '../../test/support/processes.ts'
import { ofChild } from './client-of-child.ts'
import type { ClientJob, PrepareClient } from './clients.ts'

export const transmission: PrepareClient = async (job) => {
  const { host, workDir } = job
  const doneFile = join(workDir, 'done')
  const watched = join(workDir, 'watched')
  const whenDone = join(workDir, 'when-done')
  const configDir = join(workDir, 'config')
  for (const folder of [watched, configDir]) await mkdir(folder)
  await copyFile(job.torrentFile, join(watched, 'content.torrent'))
  await writeFile(whenDone, `#!/bin/sh\necho > '${doneFile}'\n`, { mode: 0o755 })
  await writeFile(join(configDir, 'settings.json'), JSON.stringify(settings(job, watched, whenDone)))
  return () => {
    const child = startOn(host, {
      logFile: join(workDir, 'output.log'),
      argv: ['transmission-daemon', '--foreground', '--config-dir', configDir],
      // It looks for a HOME of its own even with --config-dir.
      env: { HOME: workDir },
    })
    return {
      ...ofChild(child),
      async untilDone(signal) {
        const look = async (): Promise<true> => {
          if (child.hasExited) throw new Error('Transmission ended')
          await stat(doneFile)
          return true
        }
        await until('Transmission to be done', look, signal)
      },
    }
  }
}

function settings(job: ClientJob, watched: string, whenDone: string): Record<string, unknown> {
  return {
    'download-dir': job.folder,
    'incomplete-dir-enabled': false,
    'dht-enabled': false,
    'lpd-enabled': false,
    'utp-enabled': false,
    'port-forwarding-enabled': false,
    'peer-port': 51_413,
    'bind-address-ipv4': job.host.address,
    'rpc-enabled': false,
    'rename-partial-files': false,
    'start-added-torrents': true,
    'watch-dir': watched,
    'watch-dir-enabled': true,
    'script-torrent-done-enabled': true,
    'script-torrent-done-filename': whenDone,
  }
}
