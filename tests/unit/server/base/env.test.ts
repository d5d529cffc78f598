import { describe, expect, test } from 'vitest';
import { parseEnv } from '../../../../server/base/env.ts';

describe('the log', () => {
  test('is JSON from info on, unless the environment says otherwise', () => {
    expect(parseEnv({})).toMatchObject({ logLevel: 'info', logFormat: 'json' });
    expect(parseEnv({ GRAPHIUM_LOG_LEVEL: 'debug', GRAPHIUM_LOG_FORMAT: 'pretty' })).toMatchObject({
      logLevel: 'debug',
      logFormat: 'pretty',
    });
  });

  test('its old name is refused together with all other problems, and the message has the new one', () => {
    const parse = () => parseEnv({ GRAPHIUM_LOG: 'debug', GRAPHIUM_LOG_FORMAT: 'xml', GRAPHIUM_PORT: '0' });
    expect(parse).toThrow(/GRAPHIUM_PORT: .*GRAPHIUM_LOG_FORMAT: .*GRAPHIUM_LOG is now GRAPHIUM_LOG_LEVEL/s);
  });
});

describe('the public URL', () => {
  test.each([
    [{}, 'http://127.0.0.1:4000'],
    [{ GRAPHIUM_HOST: '0.0.0.0', GRAPHIUM_PORT: '80' }, 'http://localhost:80'],
    [{ GRAPHIUM_HOST: '10.0.0.1, 127.0.0.1' }, 'http://10.0.0.1:4000'],
    [{ GRAPHIUM_PUBLIC_URL: 'https://graphium.example.com/' }, 'https://graphium.example.com'],
  ])('of %j is %s', (variables, url) => {
    expect(parseEnv(variables).publicUrl).toBe(url);
  });
});
