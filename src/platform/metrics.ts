/**
 * Prometheus metrics. A registry an instance, never the global one, so that two portals in one test do not
 * share counters. Label values are from small sets, such as the largest sites: never an address, a person, a grant or an infohash.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface MetricOptions<L extends string> {
  /** `shoal_<role>_<what>_<unit>`, counters end in `_total`. */
  readonly name: string
  readonly help: string
  readonly labels?: readonly L[]
}

export class Metrics {
  readonly #registry = new Registry()

  counter<L extends string = never>(options: MetricOptions<L>): Counter<L> {
    return new Counter<L>({ ...this.#shape(options), registers: [this.#registry] })
  }

  /** With `read`, its value is asked for at each scrape. */
  gauge<L extends string = never>(options: MetricOptions<L> & { readonly read?: () => number }): Gauge<L> {
    const { read } = options
    return new Gauge<L>({
      ...this.#shape(options),
      registers: [this.#registry],
      ...(read === undefined
        ? {}
        : {
            collect(this: Gauge<L>) {
              this.set(read())
            },
          }),
    })
  }

  /** A value for each of a small set of names, asked for at each scrape; a name that is gone is shown no more. */
  gaugeBy<L extends string>(
    options: Omit<MetricOptions<L>, 'labels'> & {
      readonly label: L
      readonly read: () => Iterable<readonly [string, number]>
    },
  ): Gauge<L> {
    const { label, read, ...rest } = options
    return new Gauge<L>({
      ...this.#shape({ ...rest, labels: [label] }),
      registers: [this.#registry],
      collect(this: Gauge<L>) {
        this.reset()
        for (const [name, value] of read()) this.labels(name).set(value)
      },
    })
  }

  /** `buckets`: upper bounds, in the unit of the name. */
  histogram<L extends string = never>(
    options: MetricOptions<L> & { readonly buckets: readonly number[] },
  ): Histogram<L> {
    return new Histogram<L>({
      ...this.#shape(options),
      buckets: [...options.buckets],
      registers: [this.#registry],
    })
  }

  /** CPU, memory, event-loop delay and garbage collection of this process. Call at most once a process. */
  addProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** What a scrape is answered with. */
  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  #shape<L extends string>(options: MetricOptions<L>): { name: string; help: string; labelNames: L[] } {
    return { name: options.name, help: options.help, labelNames: [...(options.labels ?? [])] }
  }
}
