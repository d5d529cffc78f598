import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { answerNotBuilt } from './page.ts';

const HEADERS = JSON.stringify({ Authorization: '' }, null, 2);

const stack = {
  '@type': ['Stack'],
  name: 'hello',
  locatedInHost: { '@id': 'vm1' },
  hasPart: [{ name: 'hello-1', image: 'nginx:alpine', ports: [{ containerPort: 80, hostPort: 8090 }] }],
};

/** What the playground opens with: the operations that people need first. */
const operations: { query: string; variables?: object }[] = [
  {
    query: `# If you are signed in on the page, just run it. Otherwise put\n# { "Authorization": "Bearer gph_user_…" } into Headers below.
query Overview {
  viewer { name role }
  agents { name state transport engine { version } containers { name state } }
  stacks { name state revision containers { name agent state health } waitingOn { message } }
}`,
  },
  {
    query: `# Returns at once; follow it with the Watch tab.
mutation Deploy($file: String!) {
  deployStack(source: { jsonld: $file }, options: { idempotencyKey: "hello-1" }) {
    id
    status
    tasks { kind agent containerName image }
  }
}`,
    variables: { file: JSON.stringify(stack, null, 2) },
  },
  {
    query: `subscription Watch($id: ID!) {
  deployment(id: $id) {
    status
    cause { code message agent containerName exitCode logs }
    tasks {
      kind agent containerName status phase attempt
      progress { message currentBytes totalBytes }
      waitingOn { message }
      error { code message }
    }
  }
}`,
    variables: { id: '<id of a deployment>' },
  },
  {
    query: `mutation Delete {
  deleteStack(name: "hello", removeVolumes: false) { id status }
}`,
  },
  {
    query: `# The command goes onto the new host.
mutation AddAgent {
  createJoinToken(name: "vm3", labels: [{ key: "zone", value: "eu-1" }]) { command token { expiresAt } }
}`,
  },
];

const examples = operations.map(({ query, variables }) => ({
  query,
  variables: variables ? JSON.stringify(variables, null, 2) : null,
  headers: HEADERS,
}));

const options = {
  title: 'Graphium playground',
  // Unlike a WebSocket, server-sent events take the headers that are set in the editor.
  subscriptionsProtocol: 'GRAPHQL_SSE',
  defaultTabs: examples,
  headers: HEADERS,
  shouldPersistHeaders: false,
};
/** As the content of a script element, which any `</script` would end. */
const OPTIONS_HTML = JSON.stringify(options).replaceAll('<', '\\u003c');

/** A browser that goes to `/graphql` wants the playground; every other client wants the API. */
export function wantsPlayground({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.accept?.includes('text/html') === true;
}

/** Sends GraphiQL's document. It is small: scripts and styles are files that the browser keeps. */
export async function servePlayground(folder: string, response: ServerResponse): Promise<void> {
  const html = await readFile(join(folder, 'playground.html'), 'utf8').catch(() => undefined);
  if (html === undefined) return answerNotBuilt(response);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(html.replace('__OPTIONS__', () => OPTIONS_HTML));
}
