import { describe, expect, test } from 'vitest';
import { parseEnv, warningOf } from '../../../../server/base/env.ts';
import { machineAddress } from '../../../../server/base/server-url.ts';

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
    [{}, 'http://127.0.0.1:4000', false],
    [{ GRAPHIUM_HOST: '0.0.0.0', GRAPHIUM_PORT: '80' }, `http://${machineAddress() ?? 'localhost'}:80`, false],
    [{ GRAPHIUM_HOST: '::1' }, 'http://[::1]:4000', false],
    [{ GRAPHIUM_HOST: '10.0.0.1, 127.0.0.1' }, 'http://10.0.0.1:4000', false],
    [{ GRAPHIUM_PUBLIC_URL: 'https://graphium.example.com/' }, 'https://graphium.example.com', true],
  ])('of %j is %s', (variables, url, isGiven) => {
    expect(parseEnv(variables).publicUrl).toEqual({ url, isGiven });
  });
});

describe('plain HTTP', () => {
  test.each([
    {},
    { GRAPHIUM_HOST: '127.0.0.1,::1,localhost' },
    { GRAPHIUM_HOST: '::', GRAPHIUM_PUBLIC_URL: 'https://g' },
  ])('with %j is nothing to warn of', (variables) => expect(warningOf(parseEnv(variables))).toBeUndefined());

  test.each([{ GRAPHIUM_HOST: '0.0.0.0' }, { GRAPHIUM_HOST: '127.0.0.1,10.0.0.1', GRAPHIUM_PUBLIC_URL: 'http://g' }])(
    'with %j is warned of, with what to do',
    (variables) => expect(warningOf(parseEnv(variables))).toMatch(/in clear.*GRAPHIUM_TLS_CERT/),
  );
});
