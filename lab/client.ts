/** Uses the public GraphQL API as the demo needs it: operations by POST, progress by server-sent events. */

export type TaskView = {
  id: string;
  kind: string;
  status: string;
  agent: string;
  containerName: string | null;
  image: string | null;
  phase: string | null;
  progress: {
    message: string | null;
    currentBytes: number | null;
    totalBytes: number | null;
    layers: { id: string; status: string; currentBytes: number | null; totalBytes: number | null }[];
  } | null;
  waitingOn: { message: string }[];
  error: { code: string; message: string; logs: string[] } | null;
  result: { action: string } | null;
};

export type DeploymentView = {
  id: string;
  status: string;
  cause: { code: string; message: string; agent: string | null; containerName: string | null; logs: string[] } | null;
  tasks: TaskView[];
};

export type GraphiumClient = {
  createJoinToken(name: string): Promise<string>;
  onlineAgents(): Promise<string[]>;
  /** @returns the deployment's id */
  deploy(file: string): Promise<string>;
  /** @returns the deployment's id */
  delete(stack: string): Promise<string>;
  /** Calls `onChange` now and on every change; resolves with the finished deployment. */
  follow(deploymentId: string, onChange: (deployment: DeploymentView) => void): Promise<DeploymentView>;
};

const DEPLOYMENT = `
  subscription ($id: ID!) {
    deployment(id: $id) {
      id status
      cause { code message agent containerName logs }
      tasks {
        id kind status agent containerName image phase
        progress { message currentBytes totalBytes layers { id status currentBytes totalBytes } }
        waitingOn { message } error { code message logs } result { action }
      }
    }
  }`;

type Result<T> = { data?: T | null; errors?: { message: string }[] };

export function createClient(url: string, token: string): GraphiumClient {
  const post = (query: string, variables: object, accept: string) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });

  async function ask<T>(query: string, variables: object = {}): Promise<T> {
    const response = await post(query, variables, 'application/json');
    return dataOf((await response.json()) as Result<T>);
  }

  return {
    async createJoinToken(name) {
      const query = 'mutation ($name: String!) { createJoinToken(name: $name) { secret } }';
      return (await ask<{ createJoinToken: { secret: string } }>(query, { name })).createJoinToken.secret;
    },
    async onlineAgents() {
      const { agents } = await ask<{ agents: { name: string; state: string }[] }>('{ agents { name state } }');
      return agents.filter((agent) => agent.state === 'ONLINE').map((agent) => agent.name);
    },
    async deploy(file) {
      const query = 'mutation ($file: String!) { deployStack(source: { jsonld: $file }) { id } }';
      return (await ask<{ deployStack: { id: string } }>(query, { file })).deployStack.id;
    },
    async delete(stack) {
      const query = 'mutation ($stack: String!) { deleteStack(name: $stack, removeVolumes: true) { id } }';
      return (await ask<{ deleteStack: { id: string } }>(query, { stack })).deleteStack.id;
    },
    async follow(id, onChange) {
      const response = await post(DEPLOYMENT, { id }, 'text/event-stream');
      let last: DeploymentView | undefined;
      for await (const data of eventsOf(response)) {
        last = dataOf(JSON.parse(data) as Result<{ deployment: DeploymentView }>).deployment;
        onChange(last);
      }
      if (!last || last.status === 'RUNNING') throw new Error('the server ended the stream before the deployment did');
      return last;
    },
  };
}

function dataOf<T>({ data, errors }: Result<T>): T {
  if (errors?.length || !data) throw new Error(errors?.map((error) => error.message).join('; ') ?? 'no data');
  return data;
}

/** Reads the `data` of every `next` event. */
async function* eventsOf(response: Response): AsyncGenerator<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      if (!event.includes('event: next')) continue;
      yield event.slice(event.indexOf('data: ') + 6);
    }
  }
}
