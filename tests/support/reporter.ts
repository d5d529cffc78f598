import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends every run with a line that says `N passed, N failed, N skipped`. In CI a skipped test counts as a failure,
 * because CI has to provide what the test needs.
 */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state]++;
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) counts.failed++;
    }
    const { passed, failed, pending } = counts;
    const skipped = counts.skipped + pending;
    if (process.env.CI && skipped > 0) {
      process.stdout.write(`${skipped} tests were skipped, which CI does not allow\n`);
      process.exitCode = 1;
    }
    process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
}
