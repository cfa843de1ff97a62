/** What all commands are made with. */
import type { Command } from 'commander'
import { ShoalError } from '../core/errors.ts'
import type { Context } from './context.ts'

export type Add = (spec: string, description: string) => Command
export type ContextOf = (command: Command) => Context

/** Adds the flags that every command has; they may stand before or after the command's name. */
export function withGlobals(command: Command): Command {
  return command
    .option('--json', 'newline-delimited events on standard output, nothing else there')
    .option('--data <dir>', 'where Shoal keeps its things ($SHOAL_DATA)')
    .option('--portal <url>', 'the portal to talk to ($SHOAL_PORTAL)')
    .option('--token-file <file>', 'a file with the API token ($SHOAL_TOKEN_FILE; or $SHOAL_TOKEN)')
    .option('--verbose', 'say more, and show stacks')
}

export const sub = (parent: Command, spec: string, description: string): Command =>
  withGlobals(parent.command(spec).description(description)).exitOverride()

/** A service ends when it is told to; so also while it starts, where that is no failure either. */
export async function untilTold(service: Promise<void>): Promise<void> {
  try {
    await service
  } catch (error) {
    if (!(error instanceof ShoalError) || error.code !== 'interrupted') throw error
  }
}
