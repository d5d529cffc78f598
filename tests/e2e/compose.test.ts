import { readFileSync } from 'node:fs';
import type { ContainerInspectInfo } from 'dockerode';
import { beforeAll, describe, expect, test } from 'vitest';
import { useWorld } from '../support/world.ts';

const HOSTS = ['localhost-docker', 'vm1', 'vm2'];
const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const shop = read('shop.compose.yaml');
const example = read('../../examples/compose.yaml');
const world = useWorld({
  labels: { 'localhost-docker': ['zone=a'], vm1: ['zone=a', 'disk=ssd'], vm2: ['zone=b'] },
});

async function execute(host: string, container: string, command: string): Promise<string> {
  const exec = await world
    .engine(host)
    .getContainer(container)
    .exec({ Cmd: ['sh', '-c', command], AttachStdout: true, AttachStderr: true, Tty: true });
  let output = '';
  for await (const chunk of await exec.start({ Tty: true })) output += chunk;
  return output.replaceAll('\r', '').trim();
}

const pageOf = async (host: string, port: number) =>
  (await fetch(`http://${world.host(host).address}:${port}/`, { signal: AbortSignal.timeout(5_000) })).text();

const inspect = (host: string, container: string): Promise<ContainerInspectInfo> =>
  world.engine(host).getContainer(container).inspect();

/** `variables` and `profiles` of `deployStack`. */
const variables = (more: Record<string, string> = {}) => {
  const all = { RELEASE: '7', SITE: 'shop.example', DB_PASSWORD: 'pa$$ "word"', ...more };
  const fields = Object.entries(all).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `, variables: { ${fields.join(', ')} }`;
};

describe('a file as people have them', () => {
  beforeAll(async () => {
    await world.succeed(await world.compose(shop, variables()));
  });

  test('every service is where it belongs, in the number it asks for', async () => {
    const places = (await world.states('shop')).map(({ host, name, running }) => [name, host, running]);
    expect(places).toEqual([
      ['shop-app-1', 'vm1', true],
      ['shop-database-1', 'vm1', true],
      ['shop-edge-1', 'localhost-docker', true],
      ['shop-edge-2', 'vm1', true],
      ['shop-edge-3', 'vm2', true],
      ['shop-migrate-1', 'vm1', false],
      // The first container goes to the host that has its network.
      ['shop-worker-1', 'vm1', true],
      ['shop-worker-2', 'localhost-docker', true],
    ]);
  });

  test('the job ended well before the database started, which was healthy before the application started', async () => {
    const [job, database, app] = await Promise.all(
      ['migrate', 'database', 'app'].map((service) => inspect('vm1', `shop-${service}-1`)),
    );
    expect(job?.State).toMatchObject({ Status: 'exited', ExitCode: 0 });
    expect(Date.parse(database?.State.StartedAt ?? '')).toBeGreaterThan(Date.parse(job?.State.FinishedAt ?? ''));
    const [migrated = 0, started = 0] = (await execute('vm1', 'shop-database-1', 'cat /data/migrated /data/started'))
      .split('\n')
      .map(Number.parseFloat);
    expect(started).toBeGreaterThan(migrated);
    expect(await execute('vm1', 'shop-database-1', 'cat /data/schema')).toBe('schema of 7');
    // No check could be good before.
    const readySeconds = Number(await execute('vm1', 'shop-database-1', 'stat -c %Y /tmp/ready'));
    expect(Date.parse(app?.State.StartedAt ?? '')).toBeGreaterThan(readySeconds * 1_000);
    expect(database?.Config.Healthcheck).toMatchObject({ Interval: 5e8, Timeout: 2e9, Retries: 20, StartPeriod: 1e9 });
  });

  test('published ports answer on each host, with the page that a config made', async () => {
    const page = '<title>shop.example</title>\nit costs 5 $\n';
    expect(await pageOf('vm1', 8090)).toBe(page);
    expect(await pageOf('vm1', 8091)).toBe(page);
    for (const host of HOSTS) expect(await pageOf(host, 8092)).toContain('<title>');
  });

  test('environment, from lists, maps and merge keys', async () => {
    expect((await inspect('vm1', 'shop-app-1')).Config.Env).toEqual(
      expect.arrayContaining(['LOG_LEVEL=info', 'CURRENCY=USD', 'NGINX_HOST=shop.example', 'EMPTY=']),
    );
    expect((await inspect('vm1', 'shop-migrate-1')).Config.Env).toEqual(
      expect.arrayContaining(['RELEASE=7', 'FLAG=off']),
    );
  });

  test('configs and secrets have their content, owner and mode; secrets are never on a disk', async () => {
    const look = (path: string) => `stat -c '%a %u %g' ${path}; stat -f -c %T ${path}; cat ${path}`;
    const database = (path: string) => execute('vm1', 'shop-database-1', look(path));
    expect(await database('/run/secrets/password')).toBe('444 0 0\ntmpfs\npa$$ "word"');
    expect(await database('/run/secrets/api-token')).toBe('400 65534 65534\ntmpfs\ntoken-of-shop.example');
    expect(await execute('vm1', 'shop-database-1', 'echo x > /run/secrets/password || echo refused')).toContain(
      'refused',
    );
    const [mode, , text] = (await execute('vm1', 'shop-app-1', look('/motd'))).split('\n');
    expect([mode, text]).toEqual(['444 0 0', 'welcome to shop.example']);
    const { Config, HostConfig } = await inspect('vm1', 'shop-database-1');
    expect(JSON.stringify({ Config, HostConfig })).not.toContain('word\\"');
  });

  test('a tmpfs has its size and mode; a volume belongs to the stack', async () => {
    expect(await execute('vm1', 'shop-database-1', "stat -c %a /cache; df -k /cache | awk 'NR > 1 { print $2 }'")).toBe(
      '1700\n1024',
    );
    const volume = await world.engine('vm1').getVolume('shop_data').inspect();
    expect(volume.Labels).toMatchObject({ owner: 'shop', 'graphium.stack': 'shop' });
  });

  test('networks: aliases, the subnet, and who cannot reach whom', async () => {
    const resolve = (container: string, name: string) =>
      execute('vm1', container, `nslookup ${name} | sed -n 's/^Address: //p' | head -n 1`);
    const { NetworkSettings } = await inspect('vm1', 'shop-database-1');
    const address = NetworkSettings.Networks.shop_back?.IPAddress;
    expect(address).toMatch(/^10\.213\.7\./);
    for (const name of ['db', 'db.internal', 'database']) expect(await resolve('shop-app-1', name)).toBe(address);
    expect(await resolve('shop-edge-2', 'site')).toMatch(/^(172|192\.168)\./);
    expect(Object.keys((await inspect('vm1', 'shop-edge-2')).NetworkSettings.Networks)).toEqual(['shop_front']);
    expect((await world.engine('vm1').getNetwork('shop_back').inspect()).Internal).toBe(true);
    expect(await execute('vm1', 'shop-worker-1', 'grep gateway.shop /etc/hosts')).toMatch(/^10\.9\.8\.7\s/);
  });

  test('user, working directory, host name, limits and sysctls, seen from inside', async () => {
    const questions =
      'id -u; id -g; pwd; hostname; sed -n "s/^Max open files *//p" /proc/1/limits | tr -s " " | cut -d " " -f -2; cat /proc/sys/net/ipv4/ip_unprivileged_port_start';
    const answers = ['65534', '65534', '/var', 'batch', '1024 2048', '80'];
    expect((await execute('vm1', 'shop-worker-1', questions)).split('\n')).toEqual(answers);
    expect(await execute('vm1', 'shop-worker-1', 'touch /var/x || touch /tmp/x && echo only /tmp')).toContain(
      'only /tmp',
    );
    expect((await inspect('vm1', 'shop-worker-1')).HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      RestartPolicy: { Name: 'unless-stopped' },
      LogConfig: { Type: 'local', Config: { 'max-size': '1m' } },
    });
  });

  test('another release: the data survives the replacement, and what did not change is not touched', async () => {
    const before = await world.states('shop');
    await execute('vm1', 'shop-database-1', 'echo precious > /data/orders');
    const longer = shop.replace('retries: 20', 'retries: 21');
    const { tasks } = await world.succeed(await world.compose(longer, variables()));
    expect(tasks.map(({ kind, containerName }) => [kind, containerName])).toEqual([['DEPLOY', 'shop-database-1']]);
    expect(await execute('vm1', 'shop-database-1', 'cat /data/orders /data/schema')).toBe('precious\nschema of 7');
    const after = await world.states('shop');
    expect(after.map(({ name }) => name)).toEqual(before.map(({ name }) => name));
    const changed = after.filter(
      ({ id, startedAt }) => !before.some((one) => one.id === id && one.startedAt === startedAt),
    );
    expect(changed.map(({ name }) => name)).toEqual(['shop-database-1']);
  });

  test('a new secret replaces only the container that has it', async () => {
    const before = await world.states('shop');
    const longer = shop.replace('retries: 20', 'retries: 21');
    const { tasks } = await world.succeed(await world.compose(longer, variables({ DB_PASSWORD: 'next' })));
    expect(tasks.map(({ containerName }) => containerName)).toEqual(['shop-database-1']);
    expect(await execute('vm1', 'shop-database-1', 'cat /run/secrets/password')).toBe('next');
    expect((await world.states('shop')).map(({ name }) => name)).toEqual(before.map(({ name }) => name));
  });

  test('a profile adds its service, and without it the service goes', async () => {
    const more = variables({ DB_PASSWORD: 'next' });
    const longer = shop.replace('retries: 20', 'retries: 21');
    await world.succeed(await world.compose(longer, `${more}, profiles: ["debug"]`));
    expect((await inspect('vm1', 'shop-debug-1')).HostConfig.Init).toBe(true);
    await world.succeed(await world.compose(longer, more));
    expect((await world.states('shop')).map(({ name }) => name)).not.toContain('shop-debug-1');
  });

  test('deleting it leaves nothing, its volumes included', async () => {
    await world.remove('shop');
  });
});

test('a variable that is needed and not given is an error at its line', async () => {
  const asked = world.compose(shop, ', variables: { RELEASE: "7", DB_PASSWORD: "x" }');
  await expect(asked).rejects.toThrow(/the name of the site is needed/);
});

test('the example of this repository runs as it is', async () => {
  await world.succeed(await world.compose(example, ', variables: { GREETING: "good day" }'));
  for (const host of HOSTS) expect(await pageOf(host, 8088)).toBe('<h1>good day</h1>\n');
  const jobs = (await world.states('greeter')).filter(({ name }) => name.includes('prepare'));
  expect(jobs.map(({ running }) => running)).toEqual([false]);
  await world.remove('greeter');
});
