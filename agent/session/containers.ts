/**
 * Reports the labelled containers of this host in every session, every 30 s, on Docker events, and on request.
 *
 * Invariants: at most one report is under way. A requested report lists the containers after the request.
 */
import type { ContainerReport } from '../connection/api.ts';
import { messageOf } from '../connection/wire.ts';

const EVERY_MS = 30_000;
const DEBOUNCE_MS = 1_000;
/** An engine that hangs must not delay the reports of tasks. */
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
  /** The last report as JSON, to be compared: most Docker events change nothing that is reported. */
  #reported = '';

  constructor(options: ContainerReporterOptions) {
    this.#options = options;
  }

  attach(link: ContainersLink): void {
    this.detach();
    this.#link = link;
    this.#interval = setInterval(() => {
      this.#reported = '';
      void this.report();
    }, EVERY_MS);
    void this.report();
  }

  detach(): void {
    this.#link = undefined;
    this.#reported = '';
    clearInterval(this.#interval);
    clearTimeout(this.#debounce);
    this.#debounce = undefined;
  }

  /** Asks for a report soon, after an event of Docker. */
  changed(): void {
    this.#debounce ??= setTimeout(() => {
      this.#debounce = undefined;
      void this.report();
    }, DEBOUNCE_MS);
  }

  /** Never rejects. Resolves when the server knows the present containers, or when the report failed. */
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
      const report = JSON.stringify(containers);
      if (this.#link !== link || this.#reported === report) return;
      await link.reportContainers(containers);
      if (this.#link === link) this.#reported = report;
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
