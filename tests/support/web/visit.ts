import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';

const ARTIFACTS = join(import.meta.dirname, '..', '..', 'artifacts');
const INPAGE = join(import.meta.dirname, 'inpage.js');

/** One user's window, with a fresh profile and a record of everything that went wrong in it. */
export type Visit = {
  page: Page;
  /** Fails on an exception, an error in the console, a refused policy, or a request to another origin. */
  expectClean(options?: { offline?: boolean; missing?: boolean }): Promise<void>;
  /** Fails on a control without a name, a broken structure, or text of too little contrast. */
  expectAccessible(): Promise<void>;
  /** Stores a picture in tests/artifacts/. */
  shoot(name: string): Promise<void>;
  drop(name: string, text: string): Promise<void>;
  close(): Promise<void>;
};

export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1180, height: 820 }, ...options });
  await context.addInitScript({ path: INPAGE });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = watch(page, new URL(url).origin);
  await page.goto(url);
  return {
    page,
    async expectClean({ offline = false, missing = false } = {}) {
      const expected = [...(offline ? [/net::ERR_|WebSocket connection/] : []), ...(missing ? [/status of 404/] : [])];
      const kept = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
      expect(kept).toEqual([]);
      expect(await page.evaluate('graphiumTest.policyViolations')).toEqual([]);
    },
    async expectAccessible() {
      expect(await page.evaluate('graphiumTest.findNameless()')).toEqual([]);
      expect(await page.evaluate('graphiumTest.findBroken()')).toEqual([]);
      expect(await page.evaluate('graphiumTest.findLowContrast()')).toEqual([]);
    },
    async shoot(name) {
      mkdirSync(ARTIFACTS, { recursive: true });
      await page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
    },
    async drop(name, text) {
      await page.evaluate(`graphiumTest.dropFile(${JSON.stringify(name)}, ${JSON.stringify(text)}, false)`);
      await page.locator('.drop-overlay').waitFor();
      await page.evaluate(`graphiumTest.dropFile(${JSON.stringify(name)}, ${JSON.stringify(text)}, true)`);
    },
    close: () => context.close(),
  };
}

function watch(page: Page, origin: string): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/.test(message.text())) {
      faults.push(`console: ${message.text()}`);
    }
  });
  page.on('request', (request) => {
    if (
      !request
        .url()
        .replace(/^blob:/, '')
        .startsWith(origin)
    )
      faults.push(`request to ${request.url()}`);
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(origin).host) faults.push(`socket to ${socket.url()}`);
  });
  return faults;
}
