/**
 * Reports the labelled containers of this host: on every session, every 30 s, on Docker events, and when asked.
 *
 * Invariants: at most one report is under way; one that was asked for lists the containers after the asking.
 */
import type { ContainerReport } from '../connection/api.ts';
import { messageOf } from '../connection/wire.ts';

const EVERY_MS = 30_000;
const DEBOUNCE_MS = 1_000;
/** A Docker engine that hangs must not hold back the reports of tasks. */
const LIST_WITHIN_MS = 5_000;

export type ContainersLink = { reportContainers(containers: ContainerReport[]): Promise<void> };

export type ContainerReporterOptions = {
  list(): Promise<ContainerReport[]>;
  log: { warn(fields: object, message: string): void };
};

export class ContainerReporter {
  readonly #options: ContainerReporterOptions;
  #link: ContainersLink | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #debounce: NodeJS.Timeout | undefined;
  #interval: NodeJS.Timeout | undefined;
  /** What the server was last told, as JSON: most Docker events change nothing that is reported. */
  #told = '';

  constructor(options: ContainerReporterOptions) {
    this.#options = options;
  }

  attach(link: ContainersLink): void {
    this.detach();
    this.#link = link;
    this.#interval = setInterval(() => {
      this.#told = '';
      void this.report();
    }, EVERY_MS);
    void this.report();
  }

  detach(): void {
    this.#link = undefined;
    this.#told = '';
    clearInterval(this.#interval);
    clearTimeout(this.#debounce);
    this.#debounce = undefined;
  }

  /** A Docker event. */
  changed(): void {
    this.#debounce ??= setTimeout(() => {
      this.#debounce = undefined;
      void this.report();
    }, DEBOUNCE_MS);
  }

  /** Resolves when the server knows the containers as they are now, or when it cannot be told; never rejects. */
  report(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#reportOnce().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.report();
    });
    return this.#next;
  }

  async #reportOnce() {
    const link = this.#link;
    if (!link) return;
    clearTimeout(this.#debounce);
    this.#debounce = undefined;
    try {
      const containers = await within(LIST_WITHIN_MS, this.#options.list());
      const told = JSON.stringify(containers);
      if (this.#link !== link || this.#told === told) return;
      await link.reportContainers(containers);
      if (this.#link === link) this.#told = told;
    } catch (error) {
      if (this.#link === link) this.#options.log.warn({ error: messageOf(error) }, 'containers not reported');
    }
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the Docker engine did not list its containers within ${ms / 1000} s`)),
    ms,
  );
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
