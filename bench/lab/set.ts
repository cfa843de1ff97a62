/** The published set: every run whose figures stand in the README or in bench/results/lab.md. */

export interface Goals {
  readonly lastOverBound?: number
  readonly originCopies?: number
  readonly wanCopies?: number
  readonly worstOverAlone?: number
}

export const GROUPS = ['yardstick', 'mixed', 'faults', 'shapes', 'topologies'] as const
export type Group = (typeof GROUPS)[number]

export interface Entry {
  /** Also of the file of its results. */
  readonly name: string
  readonly group: Group
  /** What it is, in a table. */
  readonly what: string
  readonly args: readonly string[]
  /** The runs of a group alternate; the median is published. */
  readonly runs: number
  readonly goals: Goals
  /** A picture of the last run is kept. */
  readonly hasPicture: boolean
}

const OURS: Goals = { lastOverBound: 1.15, originCopies: 1.05, wanCopies: 1.1 }

const entry = (
  group: Group,
  name: string,
  what: string,
  args: string,
  more: Partial<Pick<Entry, 'runs' | 'goals' | 'hasPicture'>> = {},
): Entry => ({
  group,
  name,
  what,
  args: args.split(' '),
  runs: 1,
  goals: {},
  hasPicture: false,
  ...more,
})

/** 128 MiB, since a cut of a minute is longer than the yardstick takes. */
const TWO_SITES = '--sites 2 --hosts 4 --size-mib 128'
const ONE_HOST = '--sites 1 --hosts 1'

export const SET: readonly Entry[] = [
  entry('yardstick', 'shoal', 'Shoal', '--client shoal --floor', { runs: 3, goals: OURS, hasPicture: true }),
  entry('yardstick', 'libtorrent', 'libtorrent', '--client libtorrent', {
    runs: 3,
    goals: { lastOverBound: 1.6, originCopies: 1.3, wanCopies: 1.5 },
    hasPicture: true,
  }),
  entry('yardstick', 'aria2', 'aria2', '--client aria2'),
  entry('yardstick', 'transmission', 'Transmission', '--client transmission'),
  entry('yardstick', 'webtorrent', 'webtorrent', '--client webtorrent'),
  entry('yardstick', 'libtorrent-stock', 'libtorrent', '--client libtorrent --tracker opentracker', {
    hasPicture: true,
  }),
  entry('yardstick', 'aria2-stock', 'aria2', '--client aria2 --tracker opentracker'),
  entry('yardstick', 'transmission-stock', 'Transmission', '--client transmission --tracker opentracker'),
  entry('yardstick', 'webtorrent-stock', 'webtorrent', '--client webtorrent --tracker opentracker'),

  // Each mix after the same client among its own kind, three times in turn.
  ...(['libtorrent', 'aria2', 'transmission'] as const).flatMap((stock) => [
    entry('mixed', `mix-${stock}-alone`, stock, `--client ${stock}`, { runs: 3 }),
    entry('mixed', `mix-${stock}`, stock, `--mix ${stock}:shoal`, { runs: 3 }),
  ]),

  entry('faults', 'poison-none', 'nobody poisons, one host', ONE_HOST),
  entry('faults', 'poison-1-of-2', 'one poisoner beside the origin', `${ONE_HOST} --poisoners 1`),
  entry('faults', 'poison-5-of-6', 'five poisoners beside the origin', `${ONE_HOST} --poisoners 5`),
  entry('faults', 'poison-yardstick', 'three poisoners among twelve hosts', '--poisoners 3'),
  entry(
    'faults',
    'origin-leaves',
    'the origin leaves after 1.05 copies',
    '--sites 4 --hosts 5 --origin-leaves 1.05',
  ),
  entry('faults', 'kill-half', 'half of the hosts killed at 50 %', '--kill 0.5@0.5', { hasPicture: true }),
  entry('faults', 'cut-none', 'two sites, nobody cut apart', TWO_SITES),
  entry('faults', 'cut-pair', 'two sites cut apart for 60 s', `${TWO_SITES} --cut 1-2@10-70`),
  entry('faults', 'cut-wan', 'every WAN link dead for 60 s', '--cut all@10-70'),

  entry('shapes', 'uneven', 'sites of 1, 2, 4, 8, 12', '--hosts 1,2,4,8,12', { goals: OURS }),
  entry('shapes', 'closed', 'half accept no connection', '--closed 0.5', { goals: OURS }),
  entry('shapes', 'arrivals', 'arrivals over 30 s', '--arrivals 30', { goals: OURS }),
  entry('shapes', 'late', 'a quarter comes at 20 s', '--late 0.25@20', { goals: OURS }),
  entry('shapes', 'slow-host', 'one host ten times slower', '--slow-hosts 1@10', { goals: OURS }),
  entry('shapes', 'slow-site', 'one site with a tenth', '--wan-mbit 20,20,2', { goals: OURS }),
  entry('shapes', 'small-files', '2,000 files of 32 KiB', '--files 2000x32KiB', { goals: OURS }),

  entry(
    'topologies',
    'topologies',
    '20 topologies drawn from seed 1',
    '--draw 1 --topologies 20 --size-mib 32',
    {
      goals: { lastOverBound: 1.35, wanCopies: 1.25, worstOverAlone: 1.5 },
    },
  ),
]
