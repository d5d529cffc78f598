import { beforeAll, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** A stack's revisions: their files, and what differs between them. */
const seed = useSeed();
beforeAll(async () => {
  await seed.host('rev');
});

const REVISION =
  '{ number format source note isGood variableNames createdBy containers { agent containerName service image } }';
const revisionsOf = async (name: string, args = '') => {
  const query = `query($n: String!) { stack(name: $n) { source revisions${args} ${REVISION} } }`;
  type View = { source: string; revisions: (Record<string, unknown> & { number: number; source: string })[] };
  return (await seed.ask<{ stack: View }>(query, { n: name })).stack;
};
const differencesOf = async (name: string, from: number, to: number) => {
  const query = `query($n: String!, $from: Int!, $to: Int!) { stack(name: $n) {
    differences(from: $from, to: $to) { subject name change fields { field old new } } } }`;
  return seed.try<{ stack: { differences: { subject: string; name: string; change: string; fields: object[] }[] } }>(
    query,
    { n: name, from, to },
  );
};

test('are listed newest first with their files, and stay as they were', async () => {
  const files = ['app:1', 'app:2'].map((image) => composeFile('many', { web: service('rev', { image }) }));
  for (const file of files) await seed.compose(file);
  const { revisions, source } = await revisionsOf('many');
  expect(source).toBe(files[1]);
  expect(revisions).toMatchObject([
    { number: 2, source: files[1], format: 'COMPOSE', note: null, createdBy: 'admin' },
    { number: 1, source: files[0], containers: [{ agent: 'rev', containerName: 'many-web-1', image: 'app:1' }] },
  ]);
  expect((await revisionsOf('many', '(first: 1)')).revisions.map(({ number }) => number)).toEqual([2]);
  const one = await seed.ask<{ stack: Record<string, object | null> }>(
    '{ stack(name: "many") { one: revisionNumbered(number: 1) { number source } none: revisionNumbered(number: 9) { number } } }',
  );
  expect(one.stack).toEqual({ one: { number: 1, source: files[0] }, none: null });
});

test('differ by service, network and volume; what looks secret is not shown', async () => {
  const first = composeFile(
    'differ',
    {
      web: service('rev', { image: 'app:1', environment: { LEVEL: 'a', API_TOKEN: 'first-token' } }),
      old: service('rev'),
    },
    { volumes: { data: {} } },
  );
  const web = { image: 'app:2', environment: { LEVEL: 'b', API_TOKEN: 'other-token' }, networks: ['back'] };
  await seed.compose(first);
  await seed.compose(
    composeFile('differ', { web: service('rev', web), fresh: service('rev') }, { networks: { back: {} } }),
  );
  const { data } = await differencesOf('differ', 1, 2);
  const differences = data?.stack.differences ?? [];
  const changes = differences.map(({ subject, name, change }) => `${subject} ${name} ${change}`);
  expect(changes).toEqual(
    expect.arrayContaining([
      'SERVICE web CHANGED',
      'SERVICE old REMOVED',
      'SERVICE fresh ADDED',
      'NETWORK differ_back ADDED',
    ]),
  );
  expect(differences.find(({ name }) => name === 'web')?.fields).toEqual(
    expect.arrayContaining([
      { field: 'image', old: 'app:1', new: 'app:2' },
      { field: 'environment.LEVEL', old: 'a', new: 'b' },
      { field: 'environment.API_TOKEN', old: '(not shown)', new: '(not shown)' },
    ]),
  );
  expect(JSON.stringify(differences)).not.toMatch(/first-token|other-token/);
  expect((await differencesOf('differ', 2, 2)).data?.stack.differences).toEqual([]);
  const back = (await differencesOf('differ', 2, 1)).data?.stack.differences ?? [];
  expect(back.map(({ name, change }) => `${name} ${change}`)).toEqual(
    expect.arrayContaining(['old ADDED', 'fresh REMOVED']),
  );
  const { errors } = await differencesOf('differ', 1, 7);
  expect(errors?.[0]).toMatchObject({
    message: expect.stringContaining('no revision 7'),
    extensions: { code: 'NOT_FOUND' },
  });
});

test('hold neither the secrets that stood in their file nor the values of its variables', async () => {
  const source = composeFile(
    'hidden',
    { web: service('rev', { secrets: ['pw'], environment: { WHO: '$WHO' } }) },
    { secrets: { pw: { content: 'inline-secret' }, env: { environment: 'FROM_ENV' } } },
  );
  const variables = { WHO: 'me', FROM_ENV: 'secret-from-variable', UNUSED: 'unused-value' };
  await seed.compose(source, { variables });
  const { revisions } = await revisionsOf('hidden');
  expect(revisions[0]?.source).not.toContain('inline-secret');
  expect(revisions[0]?.source).toContain('$WHO');
  expect(revisions[0]?.variableNames).toEqual(expect.arrayContaining(['WHO']));
  expect(JSON.stringify(revisions)).not.toMatch(/secret-from-variable|unused-value|"me"/);
  // A changed secret shows as changed, and as nothing else.
  await seed.compose(source.replace('inline-secret', 'another-secret'), { variables });
  const { data } = await differencesOf('hidden', 1, 2);
  const text = JSON.stringify(data);
  expect(text).toContain('secrets./run/secrets/pw');
  expect(text).not.toMatch(/inline-secret|another-secret|gs1:/);
});

test('of a JSON-LD file are shown as well', async () => {
  const file = stackFile('linked', [container('l-a', 'rev')]);
  await seed.deploy(file);
  expect((await revisionsOf('linked')).revisions).toMatchObject([{ format: 'JSONLD', source: JSON.stringify(file) }]);
});
