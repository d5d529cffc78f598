/** The limits on a stack, for everything that reads, changes or describes one. */

/** Bytes of a stack file. */
export const MAX_SOURCE_BYTES = 512 * 1024;
/** Levels of nesting in a stack file. */
export const MAX_DEPTH = 32;
/** Characters of a stack's spec as JSON, because aliases and variables make much of a little text. */
export const MAX_SPEC_LENGTH = 8 * 1024 * 1024;

/** Services of a stack. */
export const MAX_SERVICES = 1_000;
/** Containers of a stack, all services together. */
export const MAX_CONTAINERS = 1_000;
/** Containers of one service, whether a stack file or `scaleStack` asks for them. */
export const MAX_REPLICAS = MAX_CONTAINERS;

/** Published or exposed by one container: a range of a few letters must not become millions of ports. */
export const MAX_PORTS = 1_000;
export const MAX_PORT = 65_535;

/** Docker refuses to limit memory to less. */
export const MIN_MEMORY_BYTES = 6 * 1024 * 1024;
export const CORES = { min: 0.01, max: 10_000 };
/** Retries of a health check or of a restart policy. */
export const MAX_RETRIES = 1_000_000;
