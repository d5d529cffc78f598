import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

/** What the playground opens with: the operations that people need first. */
export const headers = JSON.stringify({ Authorization: '' }, null, 2);

const stack = {
  '@type': ['Stack'],
  name: 'hello',
  locatedInHost: { '@id': 'vm1' },
  hasPart: [{ name: 'hello-1', image: 'nginx:alpine', ports: [{ containerPort: 80, hostPort: 8090 }] }],
};

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

/**
 * Lets who is signed in on the page use the playground without pasting the token: where the Headers say nothing, the
 * token that the page keeps is sent. Both are of one origin, so nobody learns it who could not read it already.
 */
const USE_THE_PAGES_TOKEN = `<script>
  const plainFetch = window.fetch;
  window.fetch = (input, init = {}) => {
    const headers = new Headers(init.headers);
    const token = localStorage.getItem('graphium.token');
    if (!headers.get('authorization') && token) headers.set('authorization', 'Bearer ' + token);
    return plainFetch(input, { ...init, headers });
  };
</script>`;

export const renderPlayground: typeof renderGraphiQL = (options) =>
  renderGraphiQL(options).replace('<head>', () => `<head>${USE_THE_PAGES_TOKEN}`);

export const examples = operations.map(({ query, variables }) => ({
  query,
  variables: variables ? JSON.stringify(variables, null, 2) : null,
  headers,
}));
