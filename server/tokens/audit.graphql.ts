import { GraphiumError } from '../base/errors.ts';
import { builder, checkPage } from '../schema/builder.ts';
import { type Page, PageInfo, toPage } from '../schema/common.ts';
import { type AuditLogEntry, listEntries } from './audit.ts';
import { type AuditCheck, checkAuditLog } from './audit-seals.ts';

const AuditEntry = builder.objectRef<AuditLogEntry>('AuditEntry').implement({
  description: 'Something that a person, a CI job, an agent or Graphium itself has done.',
  authScopes: { admin: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: "The entry's number. Later entries have higher ones." }),
    at: t.field({ type: 'DateTime', description: 'When it was done.', resolve: (entry) => entry.at }),
    actor: t.exposeString('actor', {
      description: 'The name of the token or the agent that did it; `graphium` for the server itself.',
    }),
    tokenId: t.exposeID('tokenId', {
      nullable: true,
      description: "The token's ID, a UUID; null for the server itself.",
    }),
    address: t.exposeString('address', {
      nullable: true,
      description:
        "The IP address that the request came from, a proxy's if there is one; null for the server itself and for entries of older versions.",
    }),
    action: t.exposeString('action', { description: 'What was done, mostly the name of a mutation: `deployStack`.' }),
    target: t.exposeString('target', { description: 'What it was done to, such as the name of a stack or an agent.' }),
    detail: t.field({
      type: 'JSON',
      description: 'More about it: an object whose shape depends on `action`.',
      resolve: (entry) => entry.detail,
    }),
  }),
});

const AuditConnection = builder.objectRef<{ nodes: AuditLogEntry[]; pageInfo: Page }>('AuditConnection').implement({
  description: 'A page of the audit log.',
  authScopes: { admin: true },
  fields: (t) => ({
    nodes: t.field({
      type: [AuditEntry],
      description: 'The entries of this page, newest first.',
      resolve: (page) => page.nodes,
    }),
    pageInfo: t.field({ type: PageInfo, description: 'Where this page ends.', resolve: (page) => page.pageInfo }),
  }),
});

/** @throws GraphiumError BAD_INPUT */
function toCursor(after: string | null | undefined): number | undefined {
  if (after == null) return undefined;
  if (/^[1-9]\d{0,14}$/.test(after)) return Number(after);
  throw new GraphiumError('BAD_INPUT', `after: expected the endCursor of a page, got ${JSON.stringify(after)}.`);
}

builder.queryField('auditLog', (t) =>
  t.field({
    type: AuditConnection,
    authScopes: { admin: true },
    description: 'Who did what, newest first.',
    args: {
      actor: t.arg.string({ description: 'Only what this actor did.' }),
      action: t.arg.string({ description: 'Only this action, such as `deleteStack`.' }),
      target: t.arg.string({ description: 'Only what was done to this stack, agent or token.' }),
      since: t.arg({ type: 'DateTime', description: 'Only what was done at or after this time.' }),
      first: t.arg.int({
        required: true,
        defaultValue: 50,
        description: 'The maximum number of entries to return, from 1 to 500.',
      }),
      after: t.arg.string({
        description: 'The `endCursor` of the previous page. If omitted, the first page is returned.',
      }),
    },
    resolve: async (_root, { first, after, ...filter }, { db }) =>
      toPage(await listEntries(db, filter, checkPage(first) + 1, toCursor(after)), first),
  }),
);

const AuditCheckRef = builder.objectRef<AuditCheck>('AuditCheck').implement({
  description: 'Whether the audit log is as its entries were sealed, one after another, soon after they were made.',
  authScopes: { admin: true },
  fields: (t) => ({
    isIntact: t.boolean({
      description: 'Whether each sealed entry is there and unchanged, and the kept head is among the seals.',
      resolve: ({ problem }) => problem === undefined,
    }),
    problem: t.string({
      nullable: true,
      description: 'The first thing that is wrong; null if all is as it was sealed.',
      resolve: ({ problem }) => problem ?? null,
    }),
    sealed: t.exposeInt('sealed', { description: 'The number of entries that are sealed.' }),
    waiting: t.exposeInt('waiting', {
      description: 'The number of entries that are not sealed yet, which takes up to half a minute.',
    }),
    head: t.exposeString('head', {
      nullable: true,
      description:
        'The newest seal, 64 hexadecimal digits, which stands for all entries up to it: kept elsewhere it proves later that none of them was changed or taken away. Null before the first seal.',
    }),
  }),
});

builder.queryField('auditCheck', (t) =>
  t.field({
    type: AuditCheckRef,
    authScopes: { admin: true },
    description: 'Reads all of the audit log and compares it with its seals.',
    args: {
      keptHead: t.arg.string({
        description:
          "A `head` from earlier, as this query or the server's log gave it. Without it, a log whose seals were all made anew is not told.",
      }),
    },
    resolve: async (_root, { keptHead }, { db }) => {
      if (keptHead != null && !/^[0-9a-f]{64}$/.test(keptHead)) {
        throw new GraphiumError(
          'BAD_INPUT',
          `keptHead: expected 64 hexadecimal digits, got ${JSON.stringify(keptHead)}.`,
        );
      }
      return checkAuditLog(db, keptHead ?? undefined);
    },
  }),
);
