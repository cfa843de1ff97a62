/** Flags of the commands that fetch a release. */
import { type Command, Option } from 'commander'
import { choice, port } from './arguments.ts'
import { limitDown, limitLan, limitUp } from './limit-flags.ts'

/** How it is fetched, whatever becomes of it. */
export function transferFlags(command: Command): Command {
  return command
    .addOption(limitDown)
    .addOption(limitUp)
    .addOption(limitLan)
    .addOption(new Option('--peer-port <n>', 'port for peers (TCP)').argParser(port))
    .option('--bind <address>', 'the local address to use')
    .option('--overwrite', 'replace files that are there and different')
    .option('--unsigned', 'take a link without a signature')
    .option('--trust <url>', 'trust this portal')
}

export function playFlags(command: Command): Command {
  const players = ['auto', 'mpv', 'vlc', 'none']
  return transferFlags(
    command
      .option('--file <glob>', 'which file, where there are several videos')
      .addOption(choice('--player <name>', 'what plays it; none: only print where it is', players, 'auto'))
      .option('--out <dir>', 'keep it in this folder; without it, it is removed at the end')
      .addOption(new Option('--port <n>', 'port on 127.0.0.1; without it, any free one').argParser(port)),
  )
}
