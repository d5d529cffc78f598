/** What the playground opens with: the operations that people need first. */
const headers = JSON.stringify({ Authorization: 'Bearer <token>' }, null, 2);

const stack = {
  '@type': ['Stack'],
  name: 'hello',
  locatedInHost: { '@id': 'vm1' },
  hasPart: [{ name: 'hello-1', image: 'nginx:alpine', ports: [{ containerPort: 80, hostPort: 8090 }] }],
};

const operations: { query: string; variables?: object }[] = [
  {
    query: `# Put your token into Headers below.
query Overview {
  viewer { name role }
  agents { name state transport engine { version } containers { name state } }
  stacks { name state revision containers { name agent state health } waitingOn { message } }
}`,
  },
  {
    query: `# Returns at once; follow it with the Watch tab.
mutation Deploy($file: String!) {
  deployStack(source: { jsonld: $file }, idempotencyKey: "hello-1") {
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

export const examples = operations.map(({ query, variables }) => ({
  query,
  variables: variables ? JSON.stringify(variables, null, 2) : null,
  headers,
}));
