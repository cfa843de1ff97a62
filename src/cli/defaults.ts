/** Defaults of the command line that are promised to others. */

/** TCP, for peers; the next free one when it is taken. */
export const DEFAULT_PEER_PORT = 16_881
/** How many ports are tried from there. */
export const PEER_PORTS_TO_TRY = 1_000
