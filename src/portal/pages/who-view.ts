/** Who has a bundle's releases, as a page shows it: texts only. Pure. */
import type { MissingPeople, WhoHasIt } from '../../wire/api.ts'

const WHOLE = new Intl.NumberFormat('en-GB')
const people = (n: number): string => (n === 1 ? '1 person' : `${WHOLE.format(n)} people`)

export function whoPageOf(
  { bundle, title, audience, releases, sites }: WhoHasIt,
  { release, missing }: { readonly release: string; readonly missing: MissingPeople | undefined },
): object {
  const url = (more: Record<string, string>): string =>
    `/bundles/${bundle}/who?${new URLSearchParams(more).toString()}#missing`
  return {
    bundleUrl: `/bundles/${bundle}`,
    bundleTitle: title,
    csvUrl: `/api/v1/bundles/${bundle}/who-has-it.csv`,
    audience: people(audience),
    isFor: audience > 0,
    releases: releases.map((one) => ({
      name: one.release,
      url: url({ release: one.release }),
      isChosen: one.release === release,
      missing: `${WHOLE.format(one.missing)} of ${WHOLE.format(audience)} missing`,
      have: WHOLE.format(one.have),
      // of a hundred
      bar: audience === 0 ? 0 : Math.round((100 * one.have) / audience),
      others: one.others === 0 ? '' : `and ${people(one.others)} beside the audience`,
    })),
    sites: sites.map(({ site, have }) => ({
      site,
      have: have.map((n) => (n === 0 ? '–' : WHOLE.format(n))),
    })),
    release,
    people: missing?.items,
    nextUrl:
      typeof missing?.nextCursor === 'string' ? url({ release, cursor: missing.nextCursor }) : undefined,
  }
}
