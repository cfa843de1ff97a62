/** What the pool and a process that tries mutants tell each other. */

/** The pool's one message at the start. */
export interface Load {
  /** Absolute paths of instrumented files to their JavaScript. */
  readonly sources: Readonly<Record<string, string>>
  /** Absolute paths of the tests that should notice. */
  readonly specs: readonly string[]
  /** On while everything is loaded; 0 for none. */
  readonly mutantOn: number
}

/** Run the tests with this mutant on; 0 for none. */
export interface Try {
  readonly mutantOn: number
}

export type Told =
  | { readonly kind: 'loaded' }
  /** `failure`: the first test that failed, undefined when all passed. */
  | { readonly kind: 'tried'; readonly mutantOn: number; readonly passed: number; readonly failure?: string }
