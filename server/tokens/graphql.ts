import { checkLabels } from '../agents/labels.ts';
import { checkAgentName } from '../agents/name.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { builder, checkId, checkPage, describedEnum } from '../schema/builder.ts';
import { Label, LabelInput, toLabels } from '../schema/common.ts';
import type { Caller } from '../schema/context.ts';
import { createJoinToken, createUserToken, type IssuedToken, revokeToken } from './issue.ts';
import { checkServer, joinCommand, warningOf } from './join-command.ts';
import { findToken, listTokens, type TokenRow } from './store.ts';

const MAX_TOKENS = 1_000;

const Role = describedEnum('Role', 'What a user token allows. Each role includes the previous one.', {
  VIEWER: 'Allows reading everything except tokens.',
  OPERATOR: 'Allows operations on stacks, such as deploying and deleting them.',
  ADMIN: 'Allows managing agents and tokens.',
});

const TokenKind = describedEnum(
  'TokenKind',
  'What a token is for. A token of one kind is never accepted in place of another.',
  {
    USER: 'A token of a person or a CI job.',
    JOIN: 'A token that enrolls one agent, once.',
    AGENT: 'The credential of an agent.',
  },
);

const Token = builder.objectRef<TokenRow>('Token').implement({
  description: 'A token. Its secret is not stored.',
  authScopes: { admin: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: "The token's ID, a UUID." }),
    kind: t.field({ type: TokenKind, description: 'What the token is for.', resolve: (token) => token.kind }),
    name: t.exposeString('name', { description: "The token's name." }),
    role: t.field({
      type: Role,
      nullable: true,
      description: 'For USER, what the token allows; otherwise null.',
      resolve: (token) => token.role,
    }),
    agent: t.string({
      nullable: true,
      description:
        "For AGENT, the agent's name. For JOIN, the only name that may be enrolled with the token; null for any name.",
      resolve: (token) => (token.kind === 'AGENT' ? token.name : token.agentName),
    }),
    labels: t.field({
      type: [Label],
      description: 'For JOIN, the labels that the agent will have.',
      resolve: (token) => toLabels(token.labels),
    }),
    createdBy: t.exposeString('createdBy', { description: 'The name of the token that created this one.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the token was created.',
      resolve: (token) => token.createdAt,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the token expires; null if it never does.',
      resolve: (token) => token.expiresAt,
    }),
    usedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'For JOIN, when the token was used; null if it was not.',
      resolve: (token) => token.usedAt,
    }),
    lastUsedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When somebody last came with the token, to the minute; null if nobody has.',
      resolve: (token) => token.lastUsedAt,
    }),
    revokedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the token was revoked; null if it was not.',
      resolve: (token) => token.revokedAt,
    }),
  }),
});

const CreatedToken = builder.objectRef<IssuedToken>('CreatedToken').implement({
  description: 'A new token with its secret.',
  authScopes: { admin: true },
  fields: (t) => ({
    token: t.field({ type: Token, description: 'The token.', resolve: (issued) => issued.token }),
    secret: t.exposeString('secret', {
      description: 'What to send as `Authorization: Bearer …`. It is shown only this once.',
    }),
  }),
});

type IssuedJoinToken = IssuedToken & { server: string };

const JoinToken = builder.objectRef<IssuedJoinToken>('JoinToken').implement({
  description: 'A new join token with its secret.',
  authScopes: { admin: true },
  fields: (t) => ({
    token: t.field({ type: Token, description: 'The token.', resolve: (issued) => issued.token }),
    secret: t.exposeString('secret', {
      description: 'The join token to start the agent with. It is shown only this once.',
    }),
    command: t.string({
      description: 'The command that starts the agent, to be run on its host in a checkout of Graphium.',
      resolve: ({ token, secret, server }) => joinCommand(server, secret, token.agentName),
    }),
    warning: t.string({
      nullable: true,
      description:
        'Why an agent on another host may not reach the address in the command, or should not; null if nothing speaks against it.',
      resolve: ({ server }) => warningOf(server),
    }),
  }),
});

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'The owner of the token that was sent with the request.',
  authScopes: { authenticated: true },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the token, or of the agent.' }),
    kind: t.field({ type: TokenKind, description: "The token's kind.", resolve: (caller) => caller.kind }),
    role: t.field({
      type: Role,
      nullable: true,
      description: 'For USER, what the token allows; otherwise null.',
      resolve: (caller) => (caller.kind === 'USER' ? caller.role : null),
    }),
    tokenId: t.exposeID('tokenId', { description: "The token's ID, a UUID." }),
  }),
});

builder.queryFields((t) => ({
  viewer: t.field({
    type: Viewer,
    authScopes: { authenticated: true },
    description: 'The owner of the token that was sent with the request.',
    resolve: (_root, _args, { caller }) => {
      if (caller) return caller;
      throw new GraphiumError('UNAUTHENTICATED', 'Send a token.');
    },
  }),
  tokens: t.field({
    type: [Token],
    authScopes: { admin: true },
    description: 'Tokens, newest first.',
    args: {
      first: t.arg.int({
        required: true,
        defaultValue: MAX_TOKENS,
        description: `The maximum number of tokens to return, from 1 to ${MAX_TOKENS}.`,
      }),
      after: t.arg.id({
        description: 'The ID of the last token of the previous page. If omitted, the first page is returned.',
      }),
    },
    resolve: async (_root, { first, after }, { db }) => {
      if (after != null && !(await findToken(db, checkId('token', after)))) throw notFound('token', after);
      return listTokens(db, checkPage(first, MAX_TOKENS), after ?? undefined);
    },
  }),
}));

const MAX_NAME = 100;
const MAX_DAYS = 3_650;

function checkName(name: string): string {
  if (name.trim() !== '' && name.length <= MAX_NAME) return name;
  throw new GraphiumError('BAD_INPUT', `name: expected 1 to ${MAX_NAME} characters.`);
}

function checkDays(days: number | null): number | null {
  if (days === null || (days >= 1 && days <= MAX_DAYS)) return days;
  throw new GraphiumError('BAD_INPUT', `expiresInDays: expected 1 to ${MAX_DAYS}, got ${days}.`);
}

builder.mutationFields((t) => ({
  createToken: t.field({
    type: CreatedToken,
    authScopes: { admin: true },
    description: 'Creates a token for a person or a CI job.',
    args: {
      name: t.arg.string({ required: true, description: 'The name of the person or job, from 1 to 100 characters.' }),
      role: t.arg({ type: Role, required: true, description: 'What the token allows.' }),
      expiresInDays: t.arg.int({
        description: 'The number of days until the token expires, from 1 to 3650. If omitted, it never expires.',
      }),
    },
    resolve: (_root, { name, role, expiresInDays = null }, { db, actor }) =>
      createUserToken(db, actor, { name: checkName(name), role, expiresInDays: checkDays(expiresInDays) }),
  }),
  revokeToken: t.field({
    type: Token,
    authScopes: { admin: true },
    description: 'Revokes a token at once and closes the connections that use it.',
    args: { id: t.arg.id({ required: true, description: "The token's ID." }) },
    resolve: (_root, { id }, { db, actor }) => revokeToken(db, actor, checkId('token', id)),
  }),
  createJoinToken: t.field({
    type: JoinToken,
    authScopes: { admin: true },
    description: 'Creates a token that can enroll one agent within 15 minutes.',
    args: {
      name: t.arg.string({
        description:
          'The only name that may be enrolled. An existing agent of that name is then replaced. If omitted, any name that is free may be enrolled.',
      }),
      labels: t.arg({ type: [LabelInput], description: 'Labels that the agent will have.' }),
      server: t.arg.string({
        description:
          'The address for the command, as the host reaches this server, such as `https://graphium.example.com`. If omitted, it is GRAPHIUM_PUBLIC_URL, or else the address that this request was sent to.',
      }),
    },
    resolve: async (_root, { name, labels, server }, { db, actor, serverUrl }) => {
      const address = server == null ? serverUrl : checkServer(server);
      const agentName = name == null ? null : checkAgentName(name);
      const issued = await createJoinToken(db, actor, { agentName, labels: checkLabels(labels) });
      return { ...issued, server: address };
    },
  }),
}));
