import { composeFile, service } from './compose-file.ts';
import { type FakeHost, workAll } from './fake-host.ts';
import type { Seed } from './seed.ts';

/** Deploys a stack of the services a and b, each on its own host, whose revision 1 is good. */
export async function startTwoHosts(seed: Seed, name: string) {
  const hosts = [await seed.host(`${name}-h1`), await seed.host(`${name}-h2`)] as const;
  const file = (image: string, more: Record<string, object> = {}) =>
    composeFile(name, {
      a: service(hosts[0].agent.name, { image, ...more.a }),
      b: service(hosts[1].agent.name, { image, ...more.b }),
    });
  const first = await seed.compose(file('app:1'));
  await workAll(hosts);
  return { name, hosts, file, first, names: { a: `${name}-a-1`, b: `${name}-b-1` } };
}

export const imagesOf = (hosts: readonly FakeHost[]) =>
  hosts.flatMap(({ containers }) => [...containers.values()].map(({ image }) => image));

/** How a container fails in these stories. */
export const BAD = { code: 'UNHEALTHY', message: 'the health check failed', exitCode: 7, logs: ['boom'] };

type StackView = {
  state: string;
  revision: number;
  goodRevision: number | null;
  desired: string;
  revisions: { number: number; note: string | null; isGood: boolean }[];
};

/** What a person sees of the stack. */
export async function stackOf(seed: Seed, name: string): Promise<StackView> {
  const query = `query($n: String!) { stack(name: $n) { state revision goodRevision desired
    revisions { number note isGood } } }`;
  return (await seed.ask<{ stack: StackView }>(query, { n: name })).stack;
}
