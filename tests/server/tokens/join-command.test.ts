import { expect, test } from 'vitest';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

type Join = { createJoinToken: { command: string; warning: string | null } };
const MAKE = 'mutation($server: String) { createJoinToken(name: "vm3", server: $server) { command warning } }';

async function askAs(headers: Record<string, string>, server: string | null = null): Promise<Join['createJoinToken']> {
  const response = await fetch(`${seed.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${seed.admin}`, ...headers },
    body: JSON.stringify({ query: MAKE, variables: { server } }),
  });
  return ((await response.json()) as { data: Join }).data.createJoinToken;
}

const addressIn = (command: string) => / --server (\S+) --join gph_join_\S+ --name vm3$/.exec(command)?.[1];

test('the command has the address that the environment gives, whoever asks', async () => {
  const { command, warning } = await askAs({ origin: 'https://elsewhere.example.com' });
  expect(addressIn(command)).toBe('http://graphium.test');
  expect(warning).toMatch(/in clear/);
});

test('without one it has the address by which the request came', async () => {
  const given = seed.services.publicUrl;
  seed.services.publicUrl = { url: 'http://127.0.0.1:4000', isGiven: false };
  try {
    const page = await askAs({ origin: 'https://graphium.example.com' });
    expect([addressIn(page.command), page.warning]).toEqual(['https://graphium.example.com', null]);
    const local = await askAs({});
    expect(addressIn(local.command)).toBe('http://127.0.0.1:4000');
    expect(local.warning).toMatch(/127\.0\.0\.1 is this machine alone.*GRAPHIUM_PUBLIC_URL/);
  } finally {
    seed.services.publicUrl = given;
  }
});

test('an address that is asked for counts for more, and what is none makes no token', async () => {
  const { command, warning } = await askAs({}, 'https://10.0.0.9:8443/');
  expect([addressIn(command), warning]).toEqual(['https://10.0.0.9:8443', null]);
  const [before] = await seed.sql`select count(*)::int as n from tokens`;
  for (const server of ['10.0.0.9', 'ftp://x', 'https://x;reboot', 'https://$(id)', 'https://', 'https://u:p@x', '']) {
    const { errors } = await seed.try(MAKE, { server });
    expect(errors?.[0]?.extensions.code, server).toBe('BAD_INPUT');
    expect(errors?.[0]?.message).toContain('expected http(s)://host[:port]');
  }
  expect((await seed.sql`select count(*)::int as n from tokens`)[0]).toEqual(before);
});
