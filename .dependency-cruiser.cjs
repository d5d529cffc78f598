/**
 * Which way dependencies point. In the server: main -> app -> schema -> graphql -> operations -> stores -> db. Types may be
 * had from anywhere in the same part, since they are gone at run time.
 */
const RUNTIME = { dependencyTypesNot: ['type-only'] };

const GRAPHQL = '^server/.+graphql\\.ts$|^server/schema/(builder|common)\\.ts$';
const STORES = '^server/(.+/store|tasks/(queries|blockers))\\.ts$';
/** One transaction each, across several stores; they may hold SQL of their own. */
const TRANSACTIONS =
  '^server/(agents/(enroll|session)|deployments/(autorepair|barrier|cancel|deadline|orphans|rollback|settle)|tasks/(sweep|timeout|work)|tokens/issue)\\.ts$';
const OPERATIONS = `${TRANSACTIONS}|^server/(deployments/(deploy|launch|operation|preview|situation)|tasks/clock|stacks/revise|agents/sockets)\\.ts$`;
const PURE_SERVER =
  '^server/(deployments/(plan|planned-task|rollout|room|changes|differences|downtime|drift|placement|board|constraints|reach)|secrets/seal|tasks/(state|waiting)|tokens/secret|errors|live)\\.ts$|^server/stacks/(?!graphql|store|revise|.+\\.graphql)[^/]+\\.ts$';
const PURE_AGENT =
  '^agent/(step|step-[a-z]+|decision|judge|redact|policy|policy-[a-z]+|docker/(spec|observe|body|given|endpoints|labels|mounts|parts))\\.ts$';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: RUNTIME } },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-barrels',
      severity: 'error',
      from: { path: '^(server|agent|web|lab|tests)/' },
      to: { path: '/index[.]tsx?$', pathNot: 'node_modules' },
    },
    {
      name: 'parts-know-only-the-schema-of-one-another',
      comment: 'server, agent and web share schema.graphql (and what is generated from it) and nothing else',
      severity: 'error',
      from: { path: '^(server|agent|web)/' },
      to: { path: '^(server|agent|web|lab|tests)/', pathNot: '^$1/' },
    },
    {
      name: 'lab-stands-alone',
      comment: 'it starts the server and the agent as processes',
      severity: 'error',
      from: { path: '^lab/' },
      to: { path: '^(server|agent|web|tests)/' },
    },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: {},
      to: { path: '\\.test\\.tsx?$' },
    },
    {
      name: 'nobody-imports-a-main',
      severity: 'error',
      from: { path: '^(server|agent|web)/' },
      to: { path: '^(server|agent)/main\\.ts$' },
    },
    {
      name: 'only-main-imports-the-app',
      severity: 'error',
      from: { path: '^server/', pathNot: '^server/(main|app)\\.ts$' },
      to: { path: '^server/(app|page)\\.ts$', ...RUNTIME },
    },
    {
      name: 'the-schema-is-for-the-app',
      severity: 'error',
      from: { path: '^server/', pathNot: '^server/(app|yoga|socket|schema/print)\\.ts$' },
      to: { path: '^server/(yoga|socket|schema/schema)\\.ts$', ...RUNTIME },
    },
    {
      name: 'operations-know-no-graphql',
      severity: 'error',
      from: { path: `${OPERATIONS}|${STORES}|^server/db/|${PURE_SERVER}` },
      to: {
        path: `${GRAPHQL}|^server/(context|loaders|yoga|socket|app|limits|mask)\\.ts$|node_modules/(graphql|@pothos)`,
        ...RUNTIME,
      },
    },
    {
      name: 'stores-know-no-operations',
      severity: 'error',
      from: { path: STORES },
      to: { path: '^server/', pathNot: `${STORES}|^server/db/|^server/errors\\.ts$`, ...RUNTIME },
    },
    {
      name: 'the-database-knows-nobody',
      severity: 'error',
      from: { path: '^server/db/' },
      to: { path: '^server/', pathNot: '^server/db/', ...RUNTIME },
    },
    {
      name: 'only-stores-and-transactions-write-sql',
      severity: 'error',
      from: { path: '^server/', pathNot: `${STORES}|${TRANSACTIONS}|^server/db/|^server/audit\\.ts$` },
      to: { path: 'node_modules/(drizzle-orm|postgres)/|^server/db/tables\\.ts$', ...RUNTIME },
    },
    {
      name: 'pure-means-pure',
      comment: 'time, ids, rows and containers come as arguments',
      severity: 'error',
      from: { path: PURE_SERVER },
      to: { pathNot: `${PURE_SERVER}|^crypto$|^net$|^path$|node_modules/(jsonc-parser|yaml)/`, ...RUNTIME },
    },
    {
      name: 'pure-means-pure-in-the-agent',
      severity: 'error',
      from: { path: PURE_AGENT },
      to: { pathNot: `${PURE_AGENT}|^agent/docker/(version|image)\\.ts$|^path$|node_modules/zod/`, ...RUNTIME },
    },
    {
      name: 'one-file-knows-dockerode',
      severity: 'error',
      from: { path: '^(server|agent|web)/', pathNot: '^agent/docker/transport\\.ts$' },
      to: { path: 'node_modules/(dockerode|docker-modem)/', ...RUNTIME },
    },
    {
      name: 'children-only-where-they-must-be',
      severity: 'error',
      from: { pathNot: '^(lab|tests)/|^server/db/embedded\\.ts$' },
      to: { path: '^child_process$' },
    },
    {
      name: 'ui-knows-no-graphql',
      severity: 'error',
      from: { path: '^web/ui/' },
      to: { path: 'node_modules/(urql|@urql|graphql|gql[.]tada)|^web/(graphql|client|live|socket)[.]ts$', ...RUNTIME },
    },
    {
      name: 'tools-stay-out-of-what-ships',
      severity: 'error',
      from: { path: '^(server|agent)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^web/dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
