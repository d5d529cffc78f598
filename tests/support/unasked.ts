import { composeFile, service } from './compose-file.ts';
import { type FakeHost, workAll } from './fake-host.ts';
import type { useSeed } from './seed.ts';

type View = { desired: string; state: string; drift: { containerName: string; kind: string }[] };

/** Stacks on fake hosts, and the sweeps in which Graphium would do something unasked. */
export function useUnasked(seed: ReturnType<typeof useSeed>, prefix: string) {
  let count = 0;
  return {
    async story(hosts = 1) {
      const name = `${prefix}${++count}`;
      const all = await Promise.all(Array.from({ length: hosts }, (_, index) => seed.host(`${name}-h${index + 1}`)));
      /** @param where the number of the host of each service */
      const file = (where: Record<string, number>, image = 'app:1') =>
        composeFile(
          name,
          Object.fromEntries(
            Object.entries(where).map(([one, host]) => [
              one,
              service(`${name}-h${host}`, { image: `${image}-${one}` }),
            ]),
          ),
        );
      return { name, hosts: all as [FakeHost, ...FakeHost[]], file };
    },

    /** Graphium's own deployments wait a little after earlier ones. @returns what the hosts then did */
    async sweepLater(hosts: readonly FakeHost[]): Promise<string[]> {
      const done: string[] = [];
      for (let again = 0; again < 3; again++) {
        await seed.sql`update deployments set finished_at = finished_at - interval '2 minutes' where finished_at is not null`;
        await seed.sweep();
        done.push(...(await workAll(hosts)));
      }
      return done;
    },

    /** Pins a service to a host. */
    on: ({ agent }: FakeHost) => ({ deploy: { placement: { constraints: [`node.hostname==${agent.name}`] } } }),

    /** Gives the host one label, or takes it away. */
    label: ({ agent }: FakeHost, key: string, isSet: boolean) =>
      seed.ask('mutation($n: String!, $l: [LabelInput!]!) { setAgentLabels(name: $n, labels: $l) { name } }', {
        n: agent.name,
        l: isSet ? [{ key, value: 'yes' }] : [],
      }),

    remove: ({ agent }: FakeHost) =>
      seed.ask('mutation($n: String!) { removeAgent(name: $n, force: true) { name } }', { n: agent.name }),

    /** Another agent of that name, which finds on the host what the one before left there. */
    async comeBack({ agent, containers }: FakeHost): Promise<FakeHost> {
      const again = await seed.host(agent.name);
      for (const [name, container] of containers) again.containers.set(name, container);
      await again.observe();
      return again;
    },

    repairs: (name: string) =>
      seed.ask('mutation($n: String!) { setAutoRepair(name: $n, enabled: true) { name } }', { n: name }),

    cancel: (id: string) => seed.run('cancelDeployment', { id }),

    async stackOf(name: string): Promise<View | null> {
      const query = 'query($n: String!) { stack(name: $n) { desired state drift { containerName kind } } }';
      return (await seed.ask<{ stack: View | null }>(query, { n: name })).stack;
    },
  };
}

export const json = (name: string, services: object, more: object = {}): string =>
  JSON.stringify({ name, services, ...more });

/** A service with data. */
export const database = (name: string, more: object): string =>
  json(name, { db: { image: 'db:1', volumes: ['data:/data'], ...more } }, { volumes: { data: {} } });

export const constrainedTo = (label: string) => ({ placement: { constraints: [`node.labels.${label}==yes`] } });
