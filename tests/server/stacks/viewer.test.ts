import { expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

const VARIABLE = `\${FROM}`;
const VIEW = `query($n: String!) { stack(name: $n) { source revisions { source }
  differences(from: 1, to: 2) { fields { field old new } } last: differences(from: 3, to: 4) { fields { field old new } } } deployments { nodes { tasks { id } } } }`;

test('a viewer is shown no value of an environment, a command or a variable; an operator is', async () => {
  const host = await seed.host('seen');
  const file = (value: string) =>
    composeFile('seen', {
      web: service('seen', {
        image: 'app:1',
        environment: { DSN: `${value}-environment`, FROM: VARIABLE },
        command: ['serve', `--key=${value}-command`],
        labels: { auth: `${value}-label` },
        user: VARIABLE,
        extra_hosts: [`${VARIABLE}:10.0.0.1`, `${'h'.repeat(480)}.${VARIABLE}:10.0.0.2`],
        logging: { driver: 'syslog', options: { 'syslog-address': `tcp://${value}-log` } },
        storage_opt: { size: `${value}-storage` },
      }),
    });
  for (const value of ['planted1', 'planted2']) {
    await seed.compose(file(value), {}, { variables: { FROM: `${value}-variable` } });
    await host.work();
  }
  // An address's password is cut out by another rule, which must not leave the rest of a value.
  for (const value of ['planted1@rest', 'planted2@rest']) {
    const web = service('seen', { image: 'app:1', user: `postgres://u:${VARIABLE}@db` });
    await seed.compose(composeFile('seen', { web }), {}, { variables: { FROM: value } });
  }
  const see = async (role: 'VIEWER' | 'OPERATOR') =>
    JSON.stringify(await seed.ask(VIEW, { n: 'seen' }, (await seed.token(role)).secret));
  const viewer = await see('VIEWER');
  expect(viewer).not.toContain('planted');
  expect(viewer).not.toContain('@rest');
  expect(viewer).toContain('(value of FROM)');
  for (const text of ['environment.DSN', 'environment.FROM', '(not shown)', 'app:1']) {
    expect(viewer).toContain(text);
  }
  const operator = await see('OPERATOR');
  for (const text of ['planted1-environment', 'planted2-command', 'planted1-label', 'planted2-log', 'planted1-storage'])
    expect(operator).toContain(text);
});
