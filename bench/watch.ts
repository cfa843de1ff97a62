/**
 * Colleagues who watch the same film in their browsers: how long until the first picture and after a jump, does it stand
 * still, and who sends the bytes? `shoal up` over TLS behind a shaped link, and a Chromium for each viewer, each in a machine
 * (network namespace) of its own.
 *
 *     node bench/watch.ts [--viewers 4] [--browsers N] [--gap 20] [--seconds 180] [--size-mb 1000] [--mbit 5] [--fps 25] [--light]
 *       [--server-mbit 40] [--lan-mbit 100] [--sites 1] [--wan-mbit 1000] [--starts 5] [--seeks 3] [--leave 0] [--liar] [--without-gateway]
 *       [--real-addresses] [--seed 1] [--keep FOLDER] [--json]
 *
 * As root on Linux with iproute2, ffmpeg, openssl and Chromium. A film of `--size-mb` at `--mbit` is made once and kept in
 * `.cache/bench`. Viewers come `--gap` seconds apart (0: at once), the last one watches for `--seconds`. Then each jumps
 * `--seeks` times to places that its player does not hold, one viewer at a time. Prints one line of JSON (and a table, without
 * `--json`); ends with 1 when somebody did not play or had other bytes than the film's, whatever the figures are.
 *
 * - `--light`: the film has a simple picture, and filler makes up its rate: its bytes are as many, and decoding costs little.
 * - A first picture is what `requestVideoFrameCallback` says, from the navigation; each page starts with nothing but the
 *   person's cookie. `--starts` such starts on a quiet network, of our page and of a bare `<video>` of the same file in turns
 *   (that page itself costs no round trip), give the ratio to plain HTTP.
 * - A stall is a `waiting` after the first picture that no jump explains; those with something left to show are the machine's
 *   (what the player says that it holds is corrected by the head of the file, which it takes for film).
 * - `--browsers N`: viewers are dealt to so many, each in a context of its own; else each has a browser. Of one in a shared browser
 *   the page's own figures are told, since its kernel counts the browser.
 * - From server, gateway and others: by the kernel's counters (`watch/meters.ts`) and by the page's own (`[data-watch]`), of the
 *   play alone. Copies: what the server's link carried, over the most that one viewer received.
 * - `--leave N`: the first viewers leave when half of the last one's time is over. `--liar`: one viewer more, that claims
 *   everything and sends noise. `--sites`: viewers are dealt to so many, each behind a link of `--wan-mbit`.
 *   `--real-addresses`: browsers name their addresses instead of hiding them behind mDNS names. `--keep`: screenshots and logs.
 */
import { readFileSync } from 'node:fs'
import { endedBySignal, INTERRUPTED } from './support/ended-by-signal.ts'
import { readWatchOptions } from './watch/options.ts'
import { lineOf, textOf } from './watch/report.ts'
import { runWatch } from './watch/run.ts'

if (process.argv.includes('--help')) {
  const [head = ''] = readFileSync(import.meta.filename, 'utf8').split(' */')
  process.stdout.write(head.replace('/**\n', '').replaceAll(/^ \* ?/gm, ''))
  process.exit()
}
const options = readWatchOptions(process.argv.slice(2))
const stop = endedBySignal()
const note = (text: string): void => {
  if (!options.isQuiet) process.stderr.write(`${text}\n`)
}
try {
  const startedAt = new Date()
  const line = lineOf(options, await runWatch(options, { note }, stop), startedAt)
  note(textOf(line))
  process.stdout.write(`${JSON.stringify(line)}\n`)
  if (line.problems.length > 0) process.exitCode = 1
} catch (error) {
  if (!stop.aborted) throw error
  note(String(stop.reason))
  process.exitCode = INTERRUPTED
}
