/**
 * The gateway's process: all that meets browsers is in here, native code too, and it holds no key, no token and no way
 * to the data folder. It ends with its supervisor, however that ends.
 */
import { systemClock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { mutedLogger } from '../platform/muted-log.ts'
import { systemRandom } from '../platform/random.ts'
import { withoutSecrets } from '../platform/secrets.ts'
import { ChildGateway } from './child-gateway.ts'
import { type FromChild, zToChild } from './messages.ts'

process.title = 'shoal gateway: browsers'

const tell = (message: FromChild): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
const say =
  (level: 'debug' | 'info' | 'warn' | 'error') =>
  (first: unknown, second?: unknown): void => {
    const text = [first, second].find((part) => typeof part === 'string') ?? ''
    tell({ kind: 'log', level, text: withoutSecrets(text).slice(0, 1_000) })
  }
const log: Logger = {
  ...mutedLogger,
  info: say('info'),
  warn: say('warn'),
  error: say('error'),
  child: () => log,
}

const gateway = new ChildGateway({
  clock: systemClock,
  random: systemRandom,
  log,
  tell,
  onStopped: () => process.exit(0),
})
process.on('message', (message: unknown) => {
  gateway.hear(zToChild.parse(message))
})
// The supervisor is gone, or has nothing more to say: there is nobody whose gateway this would be.
process.on('disconnect', () => process.exit(0))
// The terminal's ^C and its end reach the whole group, the stop of a unit its whole control group: the supervisor tells
// when it is time, so that there is a goodbye.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
