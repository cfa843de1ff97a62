/** Figures as a page shows them, in words and numbers: texts only. Pure. */
import prettyBytes from 'pretty-bytes'
import { hours } from '../../core/units.ts'
import type { Figures, FigureRow, ReleaseFigurePage, SiteFigures } from '../../wire/api.ts'
import { sumOf } from '../figures/counts.ts'
import { RANGES, type NamedRange } from './range.ts'
import { momentText } from './view-model.ts'

/** Rows of a table that somebody still reads; the API has more. */
const SITES_SHOWN_MAX = 30
const PERCENT = new Intl.NumberFormat('en-GB', { style: 'percent', maximumFractionDigits: 1 })
const COPIES = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const HOUR = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' }) // prettier-ignore
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }) // prettier-ignore

export interface FigurePage {
  readonly figures: Figures
  readonly range: NamedRange
  readonly releases: ReleaseFigurePage
  readonly seeds: (infohash: ReleaseFigurePage['items'][number]['infohash']) => number | undefined
}

export function figurePageOf({ figures, range, releases, seeds }: FigurePage): object {
  const { total, sites } = figures
  const isEmpty = total.delivered === 0
  return {
    range: range.name,
    rangeText: range.text,
    firstDay: range.firstDay,
    lastDay: range.lastDay,
    ranges: RANGES.map(({ name, text }) => ({ name, text, isChosen: name === range.name })),
    isEmpty,
    worth: isEmpty ? [] : worthOf(total, sites),
    verdict: isEmpty ? undefined : verdictOf(total, range),
    stepText: figures.step === 'hour' ? 'Hour (UTC)' : 'Day (UTC)',
    series: seriesOf(figures),
    siteRows: sitesOf(sites),
    moreSiteRows: sites.length > SITES_SHOWN_MAX ? `and ${sites.length - SITES_SHOWN_MAX} more` : undefined,
    releaseRows: releases.items.map((item) => ({
      title: item.title,
      release: item.release,
      url: `/bundles/${item.bundle}/releases/${item.release}`,
      whoUrl: `/bundles/${item.bundle}/who`,
      delivered: prettyBytes(item.delivered),
      offload: percent(item.offload),
      originCopies: COPIES.format(item.originCopies),
      seeds: seeds(item.infohash),
      lastAt: momentText(item.lastAt),
      disagreement: item.disagreement,
    })),
    nextUrl:
      releases.nextCursor === null
        ? undefined
        : `/operate?${new URLSearchParams({ range: range.name, cursor: releases.nextCursor }).toString()}#releases`,
  }
}

const percent = (part: number | null): string => (part === null ? '–' : PERCENT.format(part))

/** Is it worth it? */
function worthOf(total: FigureRow, sites: readonly SiteFigures[]): object[] {
  const { origins, mirrors, webSeeds } = total.fromServers
  const copies = sites.flatMap(({ site, wanCopies }) => (wanCopies === null ? [] : [{ site, wanCopies }]))
  copies.sort((a, b) => b.wanCopies - a.wanCopies)
  const [worst] = copies
  const middle = copies[Math.floor(copies.length / 2)]
  return [
    {
      name: 'Delivered',
      value: prettyBytes(total.delivered),
      more: `${prettyBytes(total.fromSite)} of it within sites`,
    },
    {
      name: 'From colleagues',
      value: percent(total.offload),
      more: `${prettyBytes(total.fromSite + total.fromOtherSites)} that no server sent`,
    },
    {
      name: 'From servers all the same',
      value: prettyBytes(sumOf(total.fromServers)),
      more: `origins ${prettyBytes(origins)}, mirrors ${prettyBytes(mirrors)}, web seeds ${prettyBytes(webSeeds)}`,
    },
    {
      name: 'Copies over the WAN, per site',
      value: middle === undefined ? '–' : COPIES.format(middle.wanCopies),
      more:
        worst === undefined
          ? 'nothing crossed a WAN link'
          : `most at ${worst.site}: ${COPIES.format(worst.wanCopies)}; 1.00 is perfect`,
    },
  ]
}

function verdictOf(total: FigureRow, { text }: NamedRange): string {
  const servers = sumOf(total.fromServers)
  return `${capital(text)} ${prettyBytes(total.delivered)} arrived, and servers sent ${prettyBytes(servers)} of that: colleagues saved ${percent(total.offload)}.`
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Every hour or day of the range, also those in which nothing moved. */
function seriesOf({ from, to, step, series }: Figures): object[] {
  const known = new Map(series.map((row) => [Date.parse(row.at), row]))
  const length = step === 'hour' ? hours(1) : hours(24)
  const format = step === 'hour' ? HOUR : DAY
  const rows: object[] = []
  for (let at = Date.parse(from); at < Date.parse(to); at += length) {
    const row = known.get(at)
    const cell = (bytes: number): object => ({ bytes, text: prettyBytes(bytes) })
    rows.push({
      at: at / 1_000,
      time: format.format(at),
      cells: [
        cell(row?.fromSite ?? 0),
        cell(row?.fromOtherSites ?? 0),
        cell(row === undefined ? 0 : sumOf(row.fromServers)),
        cell(row?.wan ?? 0),
      ],
    })
  }
  return rows
}

function sitesOf(sites: readonly SiteFigures[]): object[] {
  const most = Math.max(1, ...sites.map(({ wanCopies }) => wanCopies ?? 0))
  return sites.slice(0, SITES_SHOWN_MAX).map((row) => ({
    site: row.site,
    copies: row.wanCopies === null ? '–' : COPIES.format(row.wanCopies),
    // of a hundred; the mark is where one copy is
    bar: Math.round((100 * (row.wanCopies ?? 0)) / most),
    mark: Math.round(100 / most),
    wan: prettyBytes(row.wan),
    delivered: prettyBytes(row.delivered),
    offload: percent(row.offload),
    releases: row.releases,
  }))
}
