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

it('only a job that is wanted counts as finished, and only while the stack as a whole runs', () => {
  const container = (name: string, agent: string, state: string) => ({
    name,
    agent,
    state,
    service: 'migrate',
    unknownSince: null,
  });
  const stack = (state: string) =>
    ({
      state,
      wanted: [
        { name: 'migrate-1', agent: 'vm1', service: 'migrate' },
        { name: 'migrate-2', agent: 'vm1', service: 'migrate' },
      ],
      containers: [
        container('migrate-1', 'vm1', 'EXITED'),
        container('migrate-2', 'vm1', 'RUNNING'),
        container('migrate-1', 'vm2', 'EXITED'),
        container('old-1', 'vm1', 'EXITED'),
      ],
    }) as never;
  expect(toServices(stack('RUNNING'), [])).toMatchObject([{ wanted: 2, running: 1, finished: 1 }]);
  expect(toServices(stack('DEGRADED'), [])).toMatchObject([{ finished: 0 }]);
});
