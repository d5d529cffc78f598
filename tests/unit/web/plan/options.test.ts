import { describe, expect, it } from 'vitest';
import { DEFAULTS, parseOptions } from '../../../../web/plan/options.ts';

describe('options', () => {
  it('are the defaults of the API where nothing is said', () => {
    const none = { timeoutSeconds: null, taskTimeoutSeconds: null };
    expect(parseOptions(DEFAULTS)).toEqual({ options: { onFailure: null, priority: 0, maxRetries: 2, ...none } });
  });

  it.each([
    { priority: '101' },
    { priority: '' },
    { maxRetries: '-1' },
    { maxRetries: '1.5' },
    { timeoutSeconds: '0' },
    { taskTimeoutSeconds: 'soon' },
  ])('%j is said to be wrong', (fields) => expect(parseOptions({ ...DEFAULTS, ...fields })).toHaveProperty('mistake'));
});
