/** The command line: every command with its flags. What a command does is loaded when it is called. */
import { Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { KINDS } from '../core/kinds.ts'
import { parseDuration } from '../core/quantity-text.ts'
import { Context, type Globals } from './context.ts'
import { withoutSecrets } from '../platform/secrets.ts'
import { sub, untilTold, withGlobals, type Add, type ContextOf } from './command-parts.ts'
import type { Output } from './output.ts'
import { choice, collect, port, positive } from './arguments.ts'
import { PERSON_ROLES, peopleCommands } from './people-commands.ts'
import { playFlags, transferFlags } from './transfer-flags.ts'
import { limitDown, limitLan, limitUp } from './limit-flags.ts'

const version = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export function buildProgram(output: Output): Command {
  const program = withGlobals(new Command('shoal'))
    .description("A company's media, delivered by the company's own machines.")
    .version(version())
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(withoutSecrets(text.replace(/^error: /, 'shoal: '))),
    })
    .showHelpAfterError('(run it with --help for its flags)')
    .addHelpText('after', EXAMPLES)

  const add = (spec: string, description: string): Command =>
    withGlobals(program.command(spec).description(description)).exitOverride()
  const context = (command: Command): Context => new Context(output, command.optsWithGlobals<Globals>())

  serviceCommands(add, context)
  contentCommands(add, context)
  adminCommands(add, context)
  return program
}

const listen = (fallback: string): Option =>
  new Option('--listen <host:port>', 'where to listen').default(fallback)
const publicUrl = new Option(
  '--public-url <url>',
  'how others reach it; without it, by the first address of this machine',
)
const tlsCert = new Option('--tls-cert <file>', 'speak TLS with this certificate (PEM, with its chain)')
const tlsKey = new Option('--tls-key <file>', 'the key of the certificate (PEM)')
const sites = new Option('--sites <file>', 'the site map: a line each, "name CIDR[,CIDR...]"')
const peerPort = new Option('--peer-port <n>', 'port for peers (TCP); taken: the next free one')
const peerHost = new Option('--peer-host <address>', 'the address at which peers reach this machine')
const udpPort = new Option('--udp-port <n>', 'also answer announces over UDP, on this port').argParser(port)

function serviceCommands(add: Add, context: ContextOf): void {
  add('up', 'portal, tracker and origin in one process')
    .option('--library <dir>', 'a file or folder directly in it becomes a bundle')
    .addOption(listen('0.0.0.0:8080'))
    .addOption(publicUrl)
    .addOption(tlsCert)
    .addOption(tlsKey)
    .addOption(peerPort.argParser(port))
    .addOption(peerHost)
    .addOption(udpPort)
    .addOption(sites)
    .addOption(limitDown)
    .addOption(limitUp)
    .addOption(limitLan)
    .action(async (options: object, command: Command) => {
      await untilTold((await import('./commands/up.ts')).up(context(command), options))
    })
  add('portal', 'the portal alone: catalogue, people, links')
    .addOption(listen('0.0.0.0:8080'))
    .addOption(publicUrl)
    .addOption(tlsCert)
    .addOption(tlsKey)
    .option(
      '--tracker-url <url>',
      'where the tracker is, if it is not with the portal, e.g. http://tracker:8081',
    )
    .addOption(sites)
    .action(async (options: object, command: Command) => {
      await untilTold((await import('./commands/portal.ts')).portal(context(command), options))
    })
  add('tracker', 'the tracker alone, for the portal given by --portal')
    .addOption(listen('0.0.0.0:8081'))
    .addOption(tlsCert)
    .addOption(tlsKey)
    .addOption(udpPort)
    .addOption(sites)
    .option('--metrics-listen <host:port>', 'also serve /metrics there, e.g. 127.0.0.1:9481, to whoever asks')
    .action(async (options: object, command: Command) => {
      await untilTold((await import('./commands/tracker.ts')).tracker(context(command), options))
    })
  add('seeder', 'an origin alone, for the portal given by --portal')
    .option('--library <dir>', 'a file or folder directly in it becomes a bundle')
    .addOption(peerPort)
    .addOption(peerHost)
    .addOption(limitDown)
    .addOption(limitUp)
    .addOption(limitLan)
    .action(async (options: object, command: Command) => {
      await untilTold((await import('./commands/seeder.ts')).seeder(context(command), options))
    })
  add('gateway', 'serves browsers what they watch, from a machine near them')
    .addOption(peerPort)
    .option('--metrics-listen <host:port>', 'also serve /metrics there, e.g. 127.0.0.1:9482, to whoever asks')
    .action(async (options: object, command: Command) => {
      await untilTold((await import('./commands/gateway.ts')).gateway(context(command), options))
    })
  add('demo', 'the main job on this machine, with a table of who got what from whom')
    .option('--once', 'exit when it is done (0: all is well) instead of leaving the portal open')
    .action(async (options: object, command: Command) => {
      await (await import('./demo/demo.ts')).demo(context(command), options)
    })
}

function contentCommands(add: Add, context: ContextOf): void {
  add('publish <path>', 'make a file or folder a release that people can fetch')
    .requiredOption('--title <title>', 'what people read')
    .option('--bundle <slug>', 'a new release of this bundle')
    .option('--release <name>', 'its name; without it the next number')
    .option('--to <group>', 'who may see it (repeatable); without it, everyone', collect, [])
    .option('--tag <tag>', 'a tag (repeatable)', collect, [])
    .option('--notes <file>', 'a text file with notes about this release')
    .option('--rights <statement>', 'why it may be shared: licence or ownership', '')
    .addOption(choice('--admit <who>', 'which clients may fetch it', ['any', 'ours'], 'any'))
    .option('--dry-run', 'list what would ship, and publish nothing')
    .option(
      '--mend',
      'of an MP4 that plays only when all of it is there, publish a copy that plays from its beginning on',
    )
    .addOption(peerPort)
    .option('--bind <address>', 'the local address to use')
    .addOption(limitUp)
    .addOption(limitLan)
    .action(async (path: string, options: object, command: Command) => {
      await (await import('./commands/publish.ts')).publish(context(command), path, options)
    })
  add('list [query]', 'what there is')
    .option('--tag <tag>', 'only with this tag')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(KINDS))
    .action(async (query: string | undefined, options: object, command: Command) => {
      await (await import('./commands/list.ts')).list(context(command), query, options)
    })
  add('info <bundle>', 'one bundle (or BUNDLE@RELEASE): its releases and files').action(
    async (target: string, _options: object, command: Command) => {
      await (await import('./commands/info.ts')).info(context(command), target)
    },
  )
  add('link <bundle>', 'a signed magnet link for BUNDLE or BUNDLE@RELEASE, for any BitTorrent client')
    .addOption(
      new Option('--expires <duration>', 'how long it works')
        .argParser(parseDuration)
        .default(parseDuration('24h'), '24h'),
    )
    .option('--files <glob>', 'only these files (repeatable)', collect, [])
    .option('--torrent <file>', 'also write the .torrent there')
    .option('--for <user>', 'the person it is for')
    .addOption(new Option('--peers <n>', 'how many addresses may use it').argParser(positive))
    .option('--password-file <file>', 'a page that shows the link for the password in this file')
    .option('--web-seed', 'let clients fall back to the portal over HTTP')
    .action(async (target: string, options: object, command: Command) => {
      await (await import('./commands/link.ts')).link(context(command), target, options)
    })
  transferFlags(
    add('get <what>', 'fetch BUNDLE[@RELEASE], a MAGNET, FILE.torrent, or - for a link on standard input')
      .requiredOption('--out <dir>', 'the folder that it lands in')
      .option('--files <glob>', 'only these files (repeatable)', collect, [])
      .option('--seed <duration>', 'go on serving it afterwards: 30m, 8h or forever'),
  ).action(async (what: string, options: object, command: Command) => {
    await (await import('./commands/get.ts')).get(context(command), what, options)
  })
  playFlags(add('play <what>', 'play BUNDLE[@RELEASE], a MAGNET or FILE.torrent while it is fetched')).action(
    async (what: string, options: object, command: Command) => {
      await (await import('./commands/play.ts')).play(context(command), what, options)
    },
  )
  add('inspect <what>', 'what a magnet or .torrent says, and whether it can be trusted').action(
    async (what: string, _options: object, command: Command) => {
      await (await import('./commands/inspect.ts')).inspect(context(command), what)
    },
  )
  add('doctor [what]', 'what is wrong between this machine and a portal, or a release, and how to mend it')
    .addOption(new Option('--peer-port <n>', 'port for peers (TCP)').argParser(port))
    .option('--bind <address>', 'the local address to use')
    .option('--unsigned', 'take a link without a signature')
    .option('--trust <url>', 'trust this portal')
    .action(async (what: string | undefined, options: object, command: Command) => {
      await (await import('./commands/doctor.ts')).doctor(context(command), what, options)
    })
  add('verify <dir>', 'hash what was fetched into a folder again, and say what differs').action(
    async (dir: string, _options: object, command: Command) => {
      await (await import('./commands/verify.ts')).verify(context(command), dir)
    },
  )
}

/** Machines that hold a certificate: they alone get what is published with `--admit ours`. */
function deviceCommands(add: Add, context: ContextOf): void {
  const device = add('device', 'machines that may fetch what is for our own clients only')
  sub(device, 'list', 'devices: yours, or all for an admin').action(
    async (_options: object, command: Command) => {
      await (await import('./commands/device.ts')).listDevices(context(command))
    },
  )
  sub(device, 'code', 'a code, shown once, by which a machine without a token enrols')
    .requiredOption('--user <name>', 'whose machine it is')
    .option('--group <group>', 'a group the person belongs to (repeatable)', collect, [])
    .addOption(new Option('--expires <duration>', 'how long the code works (15m)').argParser(parseDuration))
    .action(async (options: object, command: Command) => {
      await (await import('./commands/device.ts')).deviceCode(context(command), options)
    })
  sub(device, 'enrol', 'make this machine a device of the portal')
    .requiredOption('--code <code>', 'from "shoal device code"')
    .action(async (options: object, command: Command) => {
      await (await import('./commands/device.ts')).enrolDevice(context(command), options)
    })
  sub(device, 'revoke <id>', 'end a device for ever').action(
    async (id: string, _options: object, command: Command) => {
      await (await import('./commands/device.ts')).revokeDevice(context(command), id)
    },
  )
}

function adminCommands(add: Add, context: ContextOf): void {
  add('login <url>', 'get a token of yours for this machine: you allow it on a page of the portal')
    .option('--no-browser', 'only say which page to open')
    .action(async (url: string, options: object, command: Command) => {
      await (await import('./commands/login.ts')).login(context(command), url, options)
    })
  add('revoke [grant]', 'end a grant, or many: of a person, of a release, all from before a time')
    .option('--user <name>', 'whose grants to end')
    .option('--release <bundle>', 'of BUNDLE or BUNDLE@RELEASE; the release itself stays')
    .option('--before <time>', 'those issued before, e.g. 2026-01-31T12:00:00Z or "now"')
    .action(async (grant: string | undefined, options: object, command: Command) => {
      await (await import('./commands/revoke.ts')).revoke(context(command), grant, options)
    })
  deviceCommands(add, context)
  peopleCommands(add, context)
  const token = add('token', 'API tokens')
  sub(token, 'create <name>', 'a new token, shown once')
    .addOption(choice('--role <role>', 'what it may do', [...PERSON_ROLES, 'origin'], 'viewer'))
    .option('--user <name>', 'whose it is; without it, the name of the token')
    .option('--group <group>', 'a group it belongs to (repeatable)', collect, [])
    .addOption(new Option('--expires <duration>', 'how long it works').argParser(parseDuration))
    .option('--out <file>', 'write it there (mode 0600) instead of printing it')
    .action(async (name: string, options: object, command: Command) => {
      await (await import('./commands/token.ts')).createToken(context(command), name, options)
    })
  sub(token, 'list', 'all tokens').action(async (_options: object, command: Command) => {
    await (await import('./commands/token.ts')).listTokens(context(command))
  })
  sub(token, 'revoke <id>', 'end a token').action(async (id: string, _options: object, command: Command) => {
    await (await import('./commands/token.ts')).revokeToken(context(command), id)
  })
  const key = add('key', 'the keys that sign grants')
  sub(key, 'list', 'all keys').action(async (_options: object, command: Command) => {
    await (await import('./commands/key.ts')).listKeys(context(command))
  })
  sub(key, 'rotate', 'the next key signs from now on').action(async (_options: object, command: Command) => {
    await (await import('./commands/key.ts')).rotateKeys(context(command))
  })
  sub(key, 'retire <kid>', 'end a key that leaked, and every grant that it signed').action(
    async (kid: string, _options: object, command: Command) => {
      await (await import('./commands/key.ts')).retireKey(context(command), kid)
    },
  )
  const site = add('site', 'the site map')
  sub(site, 'list', 'all sites').action(async (_options: object, command: Command) => {
    await (await import('./commands/site.ts')).listSites(context(command))
  })
  sub(site, 'set <file>', 'replace the site map by that of a file').action(
    async (file: string, _options: object, command: Command) => {
      await (await import('./commands/site.ts')).setSites(context(command), file)
    },
  )
  sub(site, 'of <address>', 'in which site an address is').action(
    async (address: string, _options: object, command: Command) => {
      await (await import('./commands/site.ts')).siteOf(context(command), address)
    },
  )
}

const EXAMPLES = `
Examples:
  shoal up --library /srv/media            portal on port 8080, everything in the folder listed
  shoal get fire-safety-2026 --out ~/Videos --seed 8h
  shoal play fire-safety-2026
  aria2c "$(shoal link fire-safety-2026 --expires 7d)"
`
