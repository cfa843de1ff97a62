/**
 * From what was found out to sentences: of each thing looked at, whether it is well, and if not what is wrong and how
 * to mend it. Pure. A thing that could not be looked at because of another fault is left out: one fault, one sentence.
 */
import { formatEndpoint } from '../../core/address.ts'
import { mayPeer } from '../../core/site.ts'
import type { EpochMillis } from '../../core/units.ts'
import { withoutSecrets } from '../../platform/secrets.ts'
import { limits } from '../../wire/limits.ts'
import type { Facts, LinkFacts, PeerFacts, PortalFacts, TrackerFacts } from './facts.ts'

export type Check =
  | 'portal'
  | 'certificate'
  | 'stock clients'
  | 'clock'
  | 'link'
  | 'grant'
  | 'tracker'
  | 'site rule'
  | 'peer port'
  | 'other sites'
  | 'data'

export interface Finding {
  readonly check: Check
  readonly isWrong: boolean
  readonly sentence: string
  /** What to do about it; only of what is wrong. */
  readonly remedy?: string
}

/** At most one finding of each check but `data`, of which each peer that sends bad data has one. */
export function diagnose(facts: Facts): readonly Finding[] {
  return oneOfEach([
    ...(facts.portal === undefined ? [] : ofPortal(facts.portal)),
    ...ofStockClients(facts),
    ...ofLink(facts),
    ...ofTracker(facts),
    ...ofPort(facts),
    ...ofPeers(facts),
    ...ofTransfer(facts),
  ])
}

/** Where a check has two findings, as of the clocks of portal and tracker: the first that is wrong, else the first. */
function oneOfEach(findings: readonly Finding[]): Finding[] {
  return findings.filter((finding, i) => {
    if (finding.check === 'data') return true
    const same = findings.filter(({ check }) => check === finding.check)
    return findings[i] === (same.find(({ isWrong }) => isWrong) ?? same[0])
  })
}

const good = (check: Check, sentence: string): Finding => ({
  check,
  isWrong: false,
  sentence: withoutSecrets(sentence),
})
const wrong = (check: Check, sentence: string, remedy: string): Finding => ({
  check,
  isWrong: true,
  sentence: withoutSecrets(sentence),
  remedy,
})

const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired: renew it',
  CERT_NOT_YET_VALID: 'it is not valid yet: is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'it is for another name: use the address that it names, or get one for this address',
}

const FIREWALL = 'and that a firewall lets this machine through to it'

function ofCertificate(url: string, tlsFault: string): Finding {
  const remedy =
    CERTIFICATE_FAULTS[tlsFault] ??
    "install the company's CA certificate on this machine, or name it in $NODE_EXTRA_CA_CERTS"
  return wrong('certificate', `the certificate of ${url} cannot be verified (${tlsFault})`, remedy)
}

function ofPortal(portal: PortalFacts): Finding[] {
  const { url, answer, reason = `${url} does not answer`, tlsFault, clockAheadMs } = portal
  if (tlsFault !== undefined) return [ofCertificate(url, tlsFault)]
  if (answer === 'none')
    return [wrong('portal', reason, `check the address, that the portal runs, ${FIREWALL}`)]
  if (answer === 'other')
    return [wrong('portal', `${url} answers, but is no portal of Shoal`, 'check the address and its port')]
  return [good('portal', `${url} answers`), ...(clockAheadMs === undefined ? [] : [ofClock(clockAheadMs)])]
}

function ofStockClients({ portal, tracker }: Facts): Finding[] {
  return [portal, tracker].flatMap((asked) => {
    if (asked?.isTrustedBySystem === undefined) return []
    if (asked.isTrustedBySystem)
      return [good('stock clients', 'the system trusts its certificate, so stock BitTorrent clients do too')]
    return [
      wrong(
        'stock clients',
        `this system does not trust the certificate of ${new URL(asked.url).origin}, so stock BitTorrent clients refuse its tracker`,
        "install the company's CA certificate in the system's store (update-ca-certificates on Debian)",
      ),
    ]
  })
}

function ofClock(aheadMs: number): Finding {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000)
  if (seconds * 1_000 <= limits.clockLeeway)
    return good('clock', `the portal's clock and ours differ by ${seconds} s`)
  const way = aheadMs > 0 ? 'behind' : 'ahead of'
  return wrong(
    'clock',
    `this machine's clock is ${seconds} s ${way} the portal's, and grants allow for ${limits.clockLeeway / 1_000} s`,
    'set both by NTP (timedatectl set-ntp true)',
  )
}

const TRUSTED_LINK = 'the link is by a portal that this machine trusts'
const FRESH_LINK = 'take a fresh link from the portal'

function ofLink({ link, tracker, portal, now }: Facts): Finding[] {
  if (link === undefined) return []
  if (link.refusal !== undefined) return [ofRefusedLink(link.refusal)]
  const { grantExpiresAt } = link
  switch (tracker?.outcome.kind) {
    case 'refused': {
      const { reason } = tracker.outcome
      if (!isAboutGrant(reason)) return []
      const told = `the tracker refuses the grant of this link: ${reason}`
      return isAboutClock(reason) ? [] : [wrong('grant', told, FRESH_LINK)]
    }
    case 'reply':
      if (grantExpiresAt === undefined) return [good('link', TRUSTED_LINK)]
      // The tracker's word counts, not our clock.
      return [good('grant', `the tracker takes the grant of this link${untilText(grantExpiresAt)}`)]
    case 'unreachable':
    case undefined: {
      if (grantExpiresAt === undefined) return [good('link', TRUSTED_LINK)]
      const theirNow = now + (portal?.clockAheadMs ?? 0)
      if (theirNow <= grantExpiresAt + limits.clockLeeway)
        return [good('grant', `the grant of this link holds${untilText(grantExpiresAt)}`)]
      const at = new Date(grantExpiresAt).toISOString()
      return [wrong('grant', `the grant of this link ended at ${at}`, FRESH_LINK)]
    }
  }
}

const untilText = (expiresAt: EpochMillis): string => ` until ${new Date(expiresAt).toISOString()}`

function ofRefusedLink({ code, sentence }: NonNullable<LinkFacts['refusal']>): Finding {
  switch (code) {
    case 'not-granted':
      return wrong('grant', sentence, `${FRESH_LINK}, or ask its publisher whether the release is for you`)
    case 'not-authenticated':
      return wrong('link', sentence, 'give a token of yours with --token-file FILE or $SHOAL_TOKEN_FILE')
    case 'not-found':
      return wrong('link', sentence, 'see with shoal list what there is for you')
    case 'unavailable':
      return wrong('portal', sentence, `check that the portal of this link runs, ${FIREWALL}`)
    case 'bad-input':
    case 'bad-usage':
    case 'conflict':
    case 'interrupted':
    case 'over-limit':
      return wrong('link', sentence, `${FRESH_LINK}, and trust no other`)
  }
}

/** By the sentences of `tracker/refusals.ts`; other trackers have other words, and none about grants. */
const isAboutGrant = (reason: string): boolean => /\b(?:grant|link|recalled|revoked)\b/.test(reason)
const isAboutClock = (reason: string): boolean => reason.includes('the clock of this tracker')

function ofTracker({ tracker }: Facts): Finding[] {
  if (tracker === undefined) return []
  const { outcome, url } = tracker
  switch (outcome.kind) {
    case 'unreachable':
      return outcome.tlsFault === undefined
        ? [
            wrong(
              'tracker',
              `the tracker at ${url} cannot be asked: ${outcome.reason}`,
              `check that it runs, ${FIREWALL}`,
            ),
          ]
        : [ofCertificate(new URL(url).origin, outcome.tlsFault)]
    case 'refused':
      return ofTrackerRefusal(url, outcome.reason)
    case 'reply':
      return [
        good('tracker', `the tracker answers and names ${counted(outcome.reply.peers.length, 'peer')}`),
        ...ofSiteRule(tracker),
      ]
  }
}

function ofTrackerRefusal(url: string, reason: string): Finding[] {
  const told = `the tracker at ${url} refuses us: ${reason}`
  if (isAboutClock(reason))
    return [wrong('clock', told, 'have the clock of its machine set by NTP (timedatectl set-ntp true)')]
  return isAboutGrant(reason) ? [] : [wrong('tracker', told, 'ask whoever runs the tracker')]
}

function ofSiteRule({ outcome }: TrackerFacts): Finding[] {
  const site = outcome.kind === 'reply' ? outcome.reply.site : undefined
  if (site === undefined) return []
  if (mayPeer(site)) return [good('site rule', `this machine is at the site ${site.name}`)]
  return [
    wrong(
      'site rule',
      `this machine is at the site ${site.name}, where peering is off by policy (as for a VPN): only the server sends to it`,
      'nothing, if that is meant; else leave the VPN, or have the site map changed',
    ),
  ]
}

function ofPort({ port, tracker }: Facts): Finding[] {
  const site = tracker?.outcome.kind === 'reply' ? tracker.outcome.reply.site : undefined
  if (port?.isReachable === undefined || (site !== undefined && !mayPeer(site))) return []
  const where =
    port.host === undefined ? `port ${port.port}` : formatEndpoint({ host: port.host, port: port.port })
  if (port.isReachable) return [good('peer port', `others can reach this machine at ${where}`)]
  return [
    wrong(
      'peer port',
      `nobody can connect to this machine at ${where}, so it gives less than it could`,
      `open TCP port ${port.port} to the company's network in this machine's firewall, or choose an open one with --peer-port`,
    ),
  ]
}

function ofPeers({ peers }: Facts): Finding[] {
  if (peers === undefined) return []
  const elsewhere = peers.filter((peer) => !peer.isHere)
  const here = peers.filter((peer) => peer.isHere)
  if (elsewhere.length === 0) return []
  if (elsewhere.some(isOpen)) {
    const told = `${elsewhere.filter(isOpen).length} of ${counted(elsewhere.length, 'machine')} at other sites can be reached`
    return [good('other sites', told)]
  }
  const [first] = elsewhere
  const example = first === undefined ? '' : ` (such as ${formatEndpoint(first.at)})`
  const near = here.some(isOpen) ? ', though machines here can' : ''
  return [
    wrong(
      'other sites',
      `no machine at another site, the server's included, can be reached from here${example}${near}`,
      'let TCP through to their peer ports in the firewall between the sites, and check that the origin runs',
    ),
  ]
}

const isOpen = (peer: PeerFacts): boolean => peer.outcome === 'open'

function ofTransfer({ transfer }: Facts): Finding[] {
  if (transfer === undefined) return []
  const findings = transfer.banned.map(({ address, reason }) =>
    wrong(
      'data',
      `the peer at ${address} sends bad data and was banned (${reason})`,
      'have its disk and its client looked at; nothing of what it sent was kept',
    ),
  )
  if (findings.length > 0) return findings
  if (transfer.failure !== undefined)
    return [wrong('data', `a trial download failed: ${transfer.failure}`, 'run shoal get --verbose for more')]
  if (transfer.haveBytes === 0 && !transfer.isComplete) return []
  return [good('data', `a trial download of ${transfer.haveBytes} bytes was verified`)]
}

const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`
