import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { container, createSeed, type Seed, stackFile } from '../../support/seed.ts';

/** The guard of the database, which holds the one table of a task's moves, against every pair of states. */
let seed: Seed;
let id: string;
beforeAll(async () => {
  seed = await createSeed(inject('postgresUrl'));
  await seed.agent('vm1', { online: false });
  const { id: deploymentId } = await seed.deploy(stackFile('moves', [container('moves-a', 'vm1')]));
  id = (await seed.deployment(deploymentId)).tasks[0]?.id ?? '';
});
afterAll(() => seed.close());

const STATUSES = ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'];
const ALLOWED: Record<string, string[]> = {
  PENDING: ['PENDING', 'RUNNING', 'FAILED', 'CANCELLED'],
  RUNNING: ['RUNNING', 'PENDING', 'COMPLETED', 'FAILED', 'CANCELLED'],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
};

/** Puts the task into `from` behind the guard's back, and tries to move it. @returns what the database says against it */
async function move(from: string, to: string, attempt: string): Promise<string | undefined> {
  try {
    await seed.sql.begin(async (sql) => {
      await sql`alter table tasks disable trigger tasks_guard`;
      await sql`update tasks set status = ${from}, attempt = 3 where id = ${id}`;
      await sql`alter table tasks enable trigger tasks_guard`;
      await sql`update tasks set status = ${to}, attempt = ${sql.unsafe(attempt)} where id = ${id}`;
      throw new RollBack();
    });
  } catch (error) {
    if (error instanceof RollBack) return undefined;
    return (error as Error).message;
  }
  return undefined;
}
class RollBack extends Error {}

describe.each(STATUSES)('a task that is %s', (from) => {
  test.each(STATUSES)('becomes %s only if the table says so', async (to) => {
    const refusal = await move(from, to, 'attempt');
    if (ALLOWED[from]?.includes(to)) expect(refusal).toBeUndefined();
    else expect(refusal).toBe(`task ${id} is ${from} and cannot become ${to}`);
  });
});

test('no move decreases the attempt', async () => {
  expect(await move('PENDING', 'RUNNING', 'attempt + 1')).toBeUndefined();
  expect(await move('RUNNING', 'PENDING', 'attempt - 1')).toBe(`attempt of task ${id} cannot decrease`);
});
