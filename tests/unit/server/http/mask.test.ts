import type { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createMask } from '../../../../server/http/mask.ts';

const mask = createMask(pino({ level: 'silent' }));
const failed = (code: string) => new Error('Failed query', { cause: Object.assign(new Error('x'), { code }) });

test.each(['55P03', '57014', '25P03', '53300', '40P01', '40001', 'CONNECTION_CLOSED', 'ECONNREFUSED', '57P01'])(
  '%s of the database says that it may go through later, and when',
  (code) => {
    const { extensions, message } = mask(failed(code)) as GraphQLError;
    expect(extensions).toEqual({
      code: 'UNAVAILABLE',
      retryAfterSeconds: 2,
      http: { status: 503, headers: { 'retry-after': '2' } },
    });
    expect(message).toContain('again in 2 s');
  },
);

test('any other is a fault of ours', () => {
  expect((mask(failed('42P01')) as GraphQLError).extensions).toEqual({ code: 'INTERNAL' });
});
