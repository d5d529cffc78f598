import { expect, test } from 'vitest';
import { busy, type ComposeService, composeFile } from '../support/compose-file.ts';
import { useWorld } from '../support/world.ts';

const HOSTS = ['localhost-docker', 'vm1', 'vm2'];
const LAYERS = 6;
const WIDTH = 8;
const world = useWorld();

/** Whom each service depends on: one at the bottom, six layers of eight, one at the top, and diamonds all the way. */
function diamond(): Map<string, string[]> {
  const dependencies = new Map<string, string[]>([['bottom', []]]);
  const nameOf = (layer: number, index: number) => `s${layer}x${index % WIDTH}`;
  for (let layer = 0; layer < LAYERS; layer++) {
    for (let index = 0; index < WIDTH; index++) {
      const below = layer === 0 ? ['bottom'] : [0, 1, 3].map((step) => nameOf(layer - 1, index + step));
      dependencies.set(nameOf(layer, index), below);
    }
  }
  const last = Array.from({ length: WIDTH }, (_, index) => nameOf(LAYERS - 1, index));
  return dependencies.set('top', last);
}

test('50 services with diamonds of dependencies over three hosts', async () => {
  const dependencies = diamond();
  expect(dependencies.size).toBe(50);
  const services = [...dependencies].map(([name, below], position): [string, ComposeService] => {
    const conditions = below.map((other, index) => [
      other,
      { condition: index === 0 ? 'service_healthy' : 'service_started' },
    ]);
    const host = HOSTS[position % 3] ?? 'vm1';
    return [name, busy(host, { networks: ['shared'], depends_on: Object.fromEntries(conditions) })];
  });
  // The order in the file does not matter.
  const file = composeFile('gem', Object.fromEntries(services.toReversed()), { networks: { shared: {} } });
  await world.succeed(await world.compose(file), 90_000);

  const states = await world.states('gem');
  expect(states).toHaveLength(50);
  expect(states.filter(({ running }) => !running)).toEqual([]);
  for (const host of HOSTS) expect(states.filter((state) => state.host === host).length).toBeGreaterThanOrEqual(16);
  const startOf = (service: string) => {
    const { startedAt = '' } = states.find(({ name }) => name === `gem-${service}-1`) ?? {};
    return Date.parse(startedAt);
  };
  const early = [...dependencies].flatMap(([name, below]) =>
    below.filter((other) => startOf(name) < startOf(other)).map((other) => `${name} before ${other}`),
  );
  expect(early).toEqual([]);

  const again = await world.deployment(await world.compose(file));
  expect(again).toMatchObject({ status: 'SUCCEEDED', tasks: [] });
  expect(await world.states('gem')).toEqual(states);
  await world.remove('gem');
});
