import { expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

const REPORT = 'mutation($epoch: Int!, $names: [String!]!) { reportForeignContainers(epoch: $epoch, names: $names) }';
const PLAN = `query($c: String!) { planStack(operation: { deploy: { source: { compose: $c } } }) {
  warnings { code message } items { containerName } } }`;
type Plan = { planStack: { warnings: { code: string; message: string }[] } };

const file = (host: string) => composeFile('shop', { web: service(host), db: service(host, { container_name: 'db' }) });
const warningsOf = async (host: string) =>
  (await seed.ask<Plan>(PLAN, { c: file(host) })).planStack.warnings.filter(({ code }) => code === 'NAME_CONFLICT');

test('a plan warns of names that containers have on the host which Graphium did not make', async () => {
  const [agent, other] = [await seed.agent('taken'), await seed.agent('free')];
  const report = (names: string[]) => seed.try(REPORT, { epoch: agent.epoch(), names }, agent.secret);
  expect(await warningsOf('taken')).toEqual([]);
  await report(['shop-web-1', 'db', 'traefik', 'x\u0000\ud800', 'n'.repeat(5_000)]);
  const warnings = await warningsOf('taken');
  expect(warnings.map(({ message }) => message.split(':')[0])).toEqual([
    'taken has a container shop-web-1 that Graphium did not make',
    'taken has a container db that Graphium did not make',
  ]);
  expect(await warningsOf('free')).toEqual([]);
  await report(['traefik']);
  expect(await warningsOf('taken')).toEqual([]);

  // Whoever may not say it changes nothing.
  await report(['db']);
  const tooMany = await report(Array.from({ length: 2_001 }, (_, n) => `n${n}`));
  expect(tooMany.errors?.[0]?.extensions.code).toBe('BAD_INPUT');
  const stale = await seed.try(REPORT, { epoch: agent.epoch() - 1, names: [] }, agent.secret);
  expect(stale.errors?.[0]?.extensions.code).toBe('SESSION_LOST');
  const person = await seed.try(REPORT, { epoch: agent.epoch(), names: [] });
  expect(person.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  const neighbour = await seed.try(REPORT, { epoch: other.epoch(), names: [] }, other.secret);
  expect(neighbour.errors).toBeUndefined();
  expect(await warningsOf('taken')).toHaveLength(1);
});
