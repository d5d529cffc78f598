/**
 * Watches whether the Docker engine answers, and tells the server when that changes: a host whose engine is away does
 * nothing and sees nothing, however well its agent is connected. A restart of Docker, which takes seconds, is not told.
 */
import { pause } from '../base/backoff.ts';
import { within } from '../base/within.ts';
import { messageOf } from '../connection/wire.ts';
import type { EngineFacts } from '../docker/engine.ts';

export type EngineNews = { engine: EngineFacts | null; engineProblem: string | null };
export type EngineLink = { reportEngine(news: EngineNews): Promise<unknown> };

export type EngineWatchOptions = {
  facts(): Promise<EngineFacts>;
  ping(): Promise<void>;
  onChange(isAnswering: boolean): void;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  timings?: EngineWatchTimings;
};

export type EngineWatchTimings = { everyMs: number; withinMs: number; againMs: number; toleratedMs: number };

const TIMINGS: EngineWatchTimings = { everyMs: 10_000, withinMs: 4_000, againMs: 2_000, toleratedMs: 10_000 };

export class EngineWatch {
  readonly #options: EngineWatchOptions;
  readonly #timings: EngineWatchTimings;
  #news: EngineNews = { engine: null, engineProblem: null };
  #told = '';
  #failingSinceMs: number | undefined;
  #link: EngineLink | undefined;

  constructor(options: EngineWatchOptions) {
    this.#options = options;
    this.#timings = options.timings ?? TIMINGS;
  }

  async run(stop: AbortSignal): Promise<void> {
    const { everyMs, againMs } = this.#timings;
    while (!stop.aborted) {
      await pause(this.#failingSinceMs === undefined ? everyMs : againMs, stop);
      if (!stop.aborted) await this.#look(this.#failingSinceMs !== undefined);
    }
  }

  /** Asks the engine anew, for it may be another version since. What it gives counts as told. */
  async news(): Promise<EngineNews> {
    await this.#look(true);
    this.#told = JSON.stringify(this.#news);
    return this.#news;
  }

  attach(link: EngineLink): void {
    this.#link = link;
    this.#tell();
  }

  detach(): void {
    this.#link = undefined;
  }

  /** @param all if true, asks what engine it is, and otherwise only whether it answers */
  async #look(all: boolean): Promise<void> {
    const { facts, ping } = this.#options;
    const { withinMs, toleratedMs } = this.#timings;
    const { engine } = this.#news;
    try {
      const look = engine === null || all ? facts() : ping().then(() => engine);
      const found = await within(withinMs, look, 'no answer');
      this.#failingSinceMs = undefined;
      this.#note({ engine: found, engineProblem: null });
    } catch (error) {
      this.#failingSinceMs ??= performance.now();
      const isWorthAWord = engine === null || performance.now() - this.#failingSinceMs >= toleratedMs;
      if (isWorthAWord) this.#note({ engine, engineProblem: this.#news.engineProblem ?? messageOf(error) });
    }
  }

  #note(news: EngineNews): void {
    const { onChange, log } = this.#options;
    const was = this.#news.engineProblem === null;
    const is = news.engineProblem === null;
    this.#news = news;
    if (was !== is) {
      if (is) log.info({ engine: news.engine?.version }, 'the Docker engine answers again');
      else log.warn({ error: news.engineProblem }, 'the Docker engine does not answer: tasks wait until it does');
      onChange(is);
    }
    this.#tell();
  }

  #tell(): void {
    const news = JSON.stringify(this.#news);
    if (!this.#link || this.#told === news) return;
    this.#told = news;
    this.#link.reportEngine(this.#news).catch((error: unknown) => {
      this.#told = '';
      this.#options.log.warn({ error: messageOf(error) }, 'the state of the Docker engine was not reported');
    });
  }
}
