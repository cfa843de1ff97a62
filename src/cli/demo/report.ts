/** The demo's answer: who got how many bytes from whom, and was it worth it. */
import type { Output } from '../output.ts'
import { bytesText, durationText, table } from '../text.ts'

export interface ClientResult {
  readonly name: string
  readonly site: string
  readonly folder: string
  readonly seconds: number
  readonly from: {
    readonly site: number
    readonly otherSites: number
    readonly origin: number
    readonly webSeed: number
  }
}

export interface DemoResult {
  readonly results: readonly ClientResult[]
  readonly sizeBytes: number
  readonly swarmMs: number
  readonly httpMs: number
  /** A line for each file that differs. */
  readonly bad: readonly string[]
}

export function reportDemo(output: Output, demo: DemoResult): void {
  const { results, sizeBytes, swarmMs, httpMs, bad } = demo
  const sum = (of: (c: ClientResult) => number, among = results): number =>
    among.reduce((n, c) => n + of(c), 0)
  const originCopies = sum((c) => c.from.origin) / sizeBytes
  const sites = [...new Set(results.map((c) => c.site))].map((name) => {
    const here = results.filter((c) => c.site === name)
    return { name, wanCopies: sum((c) => c.from.origin + c.from.otherSites, here) / sizeBytes }
  })
  for (const { name, site, seconds, from } of results) {
    output.event({ event: 'client', name, site, seconds, from })
  }
  output.event({
    event: 'demo',
    ok: bad.length === 0,
    sizeBytes,
    originCopies: round(originCopies),
    wanCopies: Object.fromEntries(sites.map((s) => [s.name, round(s.wanCopies)])),
    swarmSeconds: round(swarmMs / 1_000),
    httpSeconds: round(httpMs / 1_000),
  })
  output.line('')
  const head = ['client', 'from its site', 'from other sites', 'from the origin', 'seconds']
  const rows = results.map((c) => [
    c.name,
    bytesText(c.from.site),
    bytesText(c.from.otherSites),
    bytesText(c.from.origin),
    c.seconds.toFixed(1),
  ])
  for (const line of table(head, rows)) output.line(line)
  output.line('')
  output.line(
    `Origin copies    ${originCopies.toFixed(2)} (1.00 is perfect, a file server needs ${results.length}.00)`,
  )
  for (const s of sites) output.line(`WAN copies       ${s.wanCopies.toFixed(2)} into ${s.name}`)
  output.line(
    `Last client done ${durationText(swarmMs)}, process start included; one HTTP server with the same limit: ${durationText(httpMs)}`,
  )
  for (const line of bad) output.line(line)
  output.line(
    bad.length === 0
      ? `SHA-256          every file of every client is as published`
      : `SHA-256          ${bad.length} files differ`,
  )
}

const round = (n: number): number => Math.round(n * 1_000) / 1_000
