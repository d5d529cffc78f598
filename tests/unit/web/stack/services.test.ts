import { expect, it } from 'vitest';
import { toServices } from '../../../../web/stack/services.ts';

it('services that were scaled to none are still there to be scaled', () => {
  const stack = { wanted: [{ service: 'db' }], containers: [] } as never;
  const names = (notes: (string | null)[]) =>
    toServices(
      stack,
      notes.map((note) => ({ note })),
    ).map(({ name }) => name);
  expect(names(['web scaled to 0', null])).toEqual(['db', 'web']);
  expect(names([null, 'web scaled to 0'])).toEqual(['db']);
});
