import { describe, expect, test } from 'vitest';
import { type FakeHost, workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD } from '../../support/two-hosts.ts';
import { constrainedTo, json, useUnasked } from '../../support/unasked.ts';

/** What global services do unasked when agents come, go and come back. */
const seed = useSeed();
const { story, sweepLater, stackOf, on, label, remove, repairs } = useUnasked(seed, 'global');

const globalOn = (key: string) => ({ mode: 'global', ...constrainedTo(key) });

describe('global services', () => {
  test('come to a host again that was enrolled again', async () => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    for (const host of hosts) await label(host, name, true);
    await seed.compose(json(name, { web: { image: 'app:1', deploy: globalOn(name) } }));
    await workAll(hosts);
    await remove(h1);
    const again = await seed.host(h1.agent.name);
    await label(again, name, true);
    await sweepLater([again, h2]);
    expect(again.names()).toHaveLength(1);
    expect(await stackOf(name)).toMatchObject({ state: 'RUNNING', drift: [] });
  });

  test('follow agents and repair nothing else, also where another service has no place', async () => {
    const { name, hosts } = await story(3);
    const [h1, h2, h3] = hosts as unknown as [FakeHost, FakeHost, FakeHost];
    await label(h1, name, true);
    await seed.compose(
      json(name, {
        log: { image: 'log:1', deploy: globalOn(name) },
        web: { image: 'app:1', restart: 'always', ...on(h1) },
        far: { image: 'app:1', ...on(h3) },
      }),
    );
    await workAll(hosts);
    await h1.change(`${name}-web-1`, { state: 'EXITED', exitCode: 1 });
    await remove(h3);
    await label(h2, name, true);
    expect(await sweepLater([h1, h2])).toEqual([`${name}-h2: PULL`, `${name}-h2: DEPLOY ${name}-log-2`]);
  });

  test('keep what came up on an agent, and its number, when one that had it before comes back', async () => {
    const { name, hosts } = await story(3);
    const [h1, h2, h3] = hosts as unknown as [FakeHost, FakeHost, FakeHost];
    await label(h1, name, true);
    await seed.compose(json(name, { web: { image: 'app:1', ports: ['80:80'], deploy: globalOn(name) } }));
    await workAll(hosts);
    await label(h1, name, false);
    await label(h2, name, true);
    await label(h3, name, true);
    await seed.sweep();
    await workAll([h2, h3], { [`${name}-web-2`]: BAD });
    const came = h2.names();
    expect(came).toHaveLength(1);
    await label(h1, name, true);
    const done = await sweepLater(hosts);
    expect(done.filter((what) => what.startsWith(`${name}-h2: DELETE`))).toEqual([]);
    expect(h2.names()).toEqual(came);
  });

  test('are repaired where repairs are automatic, after a follow failed', async () => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    await label(h1, name, true);
    await seed.compose(json(name, { web: { image: 'app:1', deploy: globalOn(name) } }));
    await workAll(hosts);
    await repairs(name);
    await label(h2, name, true);
    await seed.sweep();
    await workAll(hosts, { [`${name}-web-2`]: BAD });
    await h1.change(`${name}-web-1`, null);
    await seed.sql`update stacks set repair_not_before = null where name = ${name}`;
    await sweepLater(hosts);
    expect(h1.names()).toEqual([`${name}-web-1`]);
  });
});
