/**
 * Reports the labelled containers of this host in every session, every 30 s, on Docker events, and on request, and with
 * them the names of all others when those have changed.
 *
 * Invariants: at most one report is under way. A requested report lists the containers after the request.
 */
import { within } from '../base/within.ts';
import type { ContainerReport } from '../connection/api.ts';
import { isRefused, messageOf } from '../connection/wire.ts';
import { toPages } from './pages.ts';

const EVERY_MS = 30_000;
const DEBOUNCE_MS = 1_000;
/** An engine that hangs must not delay the reports of tasks. */
const LIST_WITHIN_MS = 5_000;
const FOREIGN_NAMES = 2_000;

export type ContainersLink = {
  /** @param others the ids of further containers, which are reported on their own */
  reportContainers(containers: ContainerReport[], others: string[]): Promise<void>;
  reportForeignContainers(names: string[]): Promise<void>;
};

export type ContainerReporterOptions = {
  list(): Promise<{ own: ContainerReport[]; foreign: string[] }>;
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
  #foreign = '';

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
    this.#foreign = '';
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
      const { own: containers, foreign } = await within(
        LIST_WITHIN_MS,
        this.#options.list(),
        'the Docker engine did not list its containers',
      );
      const report = JSON.stringify(containers);
      if (this.#link !== link) return;
      await this.#sendForeign(link, foreign);
      if (this.#link !== link || this.#reported === report) return;
      const ids = containers.map(({ id }) => id);
      for (const page of toPages(containers)) await this.#send(link, page, ids);
      if (this.#link === link) this.#reported = report;
    } catch (error) {
      if (this.#link === link) this.#options.log.warn({ error: messageOf(error) }, 'containers not reported');
    }
  }

  /** They only make plans say more, so a server that does not want them is not asked again. */
  async #sendForeign(link: ContainersLink, foreign: readonly string[]): Promise<void> {
    const names = foreign.toSorted().slice(0, FOREIGN_NAMES);
    const text = JSON.stringify(names);
    if (this.#foreign === text) return;
    this.#foreign = text;
    await link.reportForeignContainers(names).catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      this.#options.log.warn({ error: messageOf(error) }, 'the server does not take the names of other containers');
    });
  }

  /** Finds the container that the server refuses by halving, so that the others count. */
  async #send(link: ContainersLink, page: ContainerReport[], ids: readonly string[]): Promise<void> {
    const own = new Set(page.map(({ id }) => id));
    try {
      await link.reportContainers(
        page,
        ids.filter((id) => !own.has(id)),
      );
    } catch (error) {
      if (!isRefused(error) || page.length === 0) throw error;
      const [first] = page;
      if (page.length === 1) {
        this.#options.log.warn(
          { container: first?.name, error: messageOf(error) },
          'the server does not take the report of this container',
        );
        return;
      }
      const middle = Math.ceil(page.length / 2);
      await this.#send(link, page.slice(0, middle), ids);
      await this.#send(link, page.slice(middle), ids);
    }
  }
}
