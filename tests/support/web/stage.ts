import { inject } from 'vitest';
import { agentsOnline, startAgent, type TestAgent } from '../agents.ts';
import { getLab } from '../lab.ts';
import { createDatabase, dropDatabase } from '../postgres.ts';
import { ask, startServer } from '../server.ts';
import { createPuppet, type Puppet } from './puppet.ts';

/** A real server with the page of this checkout and, when asked for, an agent on each host of the lab. */
export type Stage = {
  url: string;
  /** An admin's token. */
  token: string;
  api<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  createToken(name: string, role: 'VIEWER' | 'OPERATOR' | 'ADMIN'): Promise<string>;
  /** Enrolls an agent that stays offline. */
  enroll(name: string): Promise<void>;
  /** Enrolls an agent that is online and whose containers the test decides. */
  puppet(name: string): Promise<Puppet>;
  /** SIGKILL; `start` brings the server back on the same port and database. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

export async function createStage(options: { agents: boolean }): Promise<Stage> {
  const { hosts, serverAddress } = getLab();
  const databaseUrl = await createDatabase(inject('postgresUrl'));
  const listen = options.agents ? [...new Set(['127.0.0.1', serverAddress])] : ['127.0.0.1'];
  const server = await startServer({ databaseUrl, hosts: listen });
  const agents: TestAgent[] = [];
  const puppets: Puppet[] = [];
  const close = async () => {
    await Promise.all([...agents.map((agent) => agent.remove()), ...puppets.map((puppet) => puppet.close())]);
    await server.stop();
    await dropDatabase(databaseUrl);
  };
  if (options.agents) {
    try {
      const url = server.url.replace('127.0.0.1', serverAddress);
      for (const host of hosts) agents.push(await startAgent(server, host, { url }));
      await agentsOnline(
        server,
        hosts.map((host) => host.name),
      );
    } catch (error) {
      await close();
      throw new Error(agents.map((agent) => agent.output()).join('\n'), { cause: error });
    }
  }
  const token = server.adminToken;
  const api: Stage['api'] = (query, variables) => ask(server, token, query, variables);
  return {
    url: server.url,
    token,
    api,
    async createToken(name, role) {
      type Created = { createToken: { secret: string } };
      const query = 'mutation ($name: String!, $role: Role!) { createToken(name: $name, role: $role) { secret } }';
      return (await api<Created>(query, { name, role })).createToken.secret;
    },
    async enroll(name) {
      type Created = { createJoinToken: { secret: string } };
      const join = 'mutation ($name: String) { createJoinToken(name: $name) { secret } }';
      const { secret } = (await api<Created>(join, { name })).createJoinToken;
      await ask(server, secret, 'mutation ($name: String!) { enrollAgent(name: $name) { agentId } }', { name });
    },
    async puppet(name) {
      const puppet = await createPuppet(server, token, name);
      puppets.push(puppet);
      return puppet;
    },
    kill: server.kill,
    start: server.start,
    close,
  };
}
