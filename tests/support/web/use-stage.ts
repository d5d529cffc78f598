import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterEach } from 'vitest';
import { hold, standFor } from '../hold.ts';
import { openBrowser } from './browser.ts';
import { createStage, type Stage } from './stage.ts';
import { type Visit, visit } from './visit.ts';

type Opened = {
  stage: Stage;
  /** The newest window. */
  me: Visit;
  /** Opens a window, which is closed after the test. */
  open(path: string, options?: BrowserContextOptions): Promise<Visit>;
  /** The same, signed in as the admin. */
  go(path: string, options?: BrowserContextOptions): Promise<Page>;
};

/** The stage and the browser of a whole test file. */
export function useStage(options = { agents: false }): Opened {
  const held = hold(async () => {
    const [stage, browser] = await Promise.all([createStage(options), openBrowser()]);
    return { stage, browser, close: () => Promise.all([browser.close(), stage.close()]) };
  });
  const visits: Visit[] = [];
  afterEach(() => Promise.all(visits.splice(0).map((each) => each.close())));

  async function open(path: string, options?: BrowserContextOptions): Promise<Visit> {
    const opened = await visit(held.browser, `${held.stage.url}${path}`, options);
    visits.push(opened);
    return opened;
  }
  return {
    stage: standFor(() => held.stage),
    me: standFor(() => visits.at(-1)),
    open,
    go: async (path, options) => (await open(`${path}#token=${held.stage.token}`, options)).page,
  };
}
