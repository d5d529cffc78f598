/**
 * Which way dependencies point, by folder. The rooms of a part stand on one another in the order of these lists: a room
 * knows those before it and no other, at run time and by type.
 */
const ROOMS = {
  server: [
    'spec',
    'db',
    'base',
    'planning',
    'stackfile',
    'secrets',
    'schema',
    'agents',
    'tokens',
    'stacks',
    'tasks',
    'deployments',
    'protocol',
    'upkeep',
    'http',
  ],
  agent: ['base', 'docker/shapes', 'docker(?!/shapes)', 'policy', 'decide', 'connection', 'task', 'session'],
};
const inRooms = (...rooms) => `^server/(${rooms.join('|')})/`;

/** Type imports are gone at run time. */
const RUNTIME = { dependencyTypesNot: ['type-only'] };

const PURE_ROOMS = inRooms('spec', 'planning', 'stackfile');
const PURE_AGENT = '^agent/(docker/shapes|policy|decide)/';
const GRAPHQL_FILES = '^server/.+graphql\\.ts$';

const floors = (part, rooms) =>
  rooms.map((room, floor) => ({
    name: `${part}-${room.replace(/\(.*/, '').replace('/', '-')}-knows-only-what-is-below`,
    severity: 'error',
    from: { path: `^${part}/${room}/` },
    to: { path: [`^${part}/[^/]+$`, ...rooms.slice(floor + 1).map((above) => `^${part}/${above}/`)] },
  }));

module.exports = {
  forbidden: [
    ...floors('server', ROOMS.server),
    ...floors('agent', ROOMS.agent),
    {
      name: 'every-file-of-the-server-is-in-a-room',
      severity: 'error',
      from: { path: '^server/', pathNot: [inRooms(...ROOMS.server), '^server/main\\.ts$'] },
      to: {},
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-cycles-of-folders', severity: 'error', scope: 'folder', from: {}, to: { circular: true } },
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
    { name: 'tests-are-not-imported', severity: 'error', from: {}, to: { path: '\\.test\\.tsx?$' } },
    { name: 'nobody-imports-a-main', severity: 'error', from: {}, to: { path: '^(server|agent)/main\\.(ts|mjs)$' } },
    {
      name: 'pure-means-pure',
      comment: 'time, ids, rows and containers come as arguments',
      severity: 'error',
      from: { path: PURE_ROOMS },
      to: {
        pathNot: `${PURE_ROOMS}|^(crypto|net|path)$|node_modules/(jsonc-parser|yaml|ipaddr\\.js|fastest-levenshtein)/`,
        ...RUNTIME,
      },
    },
    {
      name: 'graphql-is-for-the-schema-and-http',
      severity: 'error',
      from: { path: '^server/', pathNot: [inRooms('schema', 'http'), GRAPHQL_FILES] },
      to: { path: 'node_modules/(graphql|@pothos|graphql-yoga|graphql-ws)/' },
    },
    {
      name: 'graphql-files-are-for-graphql-files',
      comment: 'operations and stores know nothing of who calls them',
      severity: 'error',
      from: { path: '^server/', pathNot: [inRooms('http'), GRAPHQL_FILES] },
      to: { path: GRAPHQL_FILES },
    },
    {
      name: 'resolvers-write-no-sql',
      severity: 'error',
      from: { path: [GRAPHQL_FILES, inRooms('schema', 'http')] },
      to: { path: 'node_modules/(drizzle-orm|postgres)/|^server/db/tables\\.ts$', ...RUNTIME },
    },
    {
      name: 'pure-means-pure-in-the-agent',
      severity: 'error',
      from: { path: PURE_AGENT },
      to: { pathNot: `${PURE_AGENT}|^path$|node_modules/zod/`, ...RUNTIME },
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
      name: 'the-ground-of-the-page-knows-no-folder',
      comment: 'the rule on cycles of folders does not count a folder and the one around it as two',
      severity: 'error',
      from: { path: '^web/[^/]+$', pathNot: '^web/vite[.]config[.]ts$' },
      to: { path: '^web/[^/]+/' },
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
