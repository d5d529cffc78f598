import { checkAgentName } from '../agents/name.ts';
import { GraphiumError } from '../base/errors.ts';
import { builder, checkId, describedEnum } from '../schema/builder.ts';
import { fromLabels, Label, LabelInput, toLabels } from '../schema/common.ts';
import type { Caller } from '../schema/context.ts';
import { agentCommand } from './agent-command.ts';
import { createJoinToken, createUserToken, type IssuedToken, revokeToken } from './issue.ts';
import { listTokens, type TokenRow } from './store.ts';

const Role = describedEnum('Role', 'What a user token allows; each role includes the one before.', {
  VIEWER: 'To see everything but tokens.',
  OPERATOR: 'To deploy, stop, start, restart and delete stacks.',
  ADMIN: 'To add and remove agents and tokens.',
});

const TokenKind = describedEnum('TokenKind', 'What a token is for. The kinds never stand in for one another.', {
  USER: 'A person or a CI job.',
  JOIN: 'Enrols one agent, once.',
  AGENT: "An agent's own credential.",
});

const Token = builder.objectRef<TokenRow>('Token').implement({
  description: 'A token without its secret, which is not stored.',
  authScopes: { admin: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    kind: t.field({ type: TokenKind, description: 'What it is for.', resolve: (token) => token.kind }),
    name: t.exposeString('name', { description: 'The name it was given.' }),
    role: t.field({
      type: Role,
      nullable: true,
      description: 'For USER: what it allows.',
      resolve: (token) => token.role,
    }),
    agent: t.string({
      nullable: true,
      description: 'For AGENT: whose it is. For JOIN: the only name it may enrol.',
      resolve: (token) => (token.kind === 'AGENT' ? token.name : token.agentName),
    }),
    labels: t.field({
      type: [Label],
      description: 'For JOIN: what the agent will be labelled with.',
      resolve: (token) => toLabels(token.labels),
    }),
    createdBy: t.exposeString('createdBy', { description: 'The name of the token that made it.' }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was made.', resolve: (token) => token.createdAt }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it ends; null means never.',
      resolve: (token) => token.expiresAt,
    }),
    usedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'For JOIN: when it was used.',
      resolve: (token) => token.usedAt,
    }),
    revokedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked.',
      resolve: (token) => token.revokedAt,
    }),
  }),
});

const CreatedToken = builder.objectRef<IssuedToken>('CreatedToken').implement({
  description: 'A new token with its secret.',
  authScopes: { admin: true },
  fields: (t) => ({
    token: t.field({ type: Token, description: 'The token.', resolve: (issued) => issued.token }),
    secret: t.exposeString('secret', { description: 'What to send as `Authorization: Bearer …`; shown this once.' }),
  }),
});

const JoinToken = builder.objectRef<IssuedToken>('JoinToken').implement({
  description: 'A new join token.',
  authScopes: { admin: true },
  fields: (t) => ({
    token: t.field({ type: Token, description: 'The token.', resolve: (issued) => issued.token }),
    secret: t.exposeString('secret', { description: 'The token to give to the agent; shown this once.' }),
    command: t.string({
      description: 'What to run on the host, in a checkout of Graphium.',
      resolve: ({ token, secret }, _args, { publicUrl }) => agentCommand(publicUrl, secret, token.agentName),
    }),
  }),
});

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'Who the token that was sent belongs to.',
  authScopes: { authenticated: true },
  fields: (t) => ({
    name: t.exposeString('name', { description: "The token's name, or the agent's." }),
    kind: t.field({ type: TokenKind, description: "The token's kind.", resolve: (caller) => caller.kind }),
    role: t.field({
      type: Role,
      nullable: true,
      description: 'For USER: what it allows.',
      resolve: (caller) => (caller.kind === 'USER' ? caller.role : null),
    }),
    tokenId: t.exposeID('tokenId', { description: "The token's id." }),
  }),
});

builder.queryFields((t) => ({
  viewer: t.field({
    type: Viewer,
    authScopes: { authenticated: true },
    description: 'Who you are.',
    resolve: (_root, _args, { caller }) => {
      if (!caller) throw new GraphiumError('UNAUTHENTICATED', 'Send a token.');
      return caller;
    },
  }),
  tokens: t.field({
    type: [Token],
    authScopes: { admin: true },
    description: 'All tokens, newest first, at most 1,000.',
    resolve: (_root, _args, { db }) => listTokens(db),
  }),
}));

const MAX_NAME = 100;

builder.mutationFields((t) => ({
  createToken: t.field({
    type: CreatedToken,
    authScopes: { admin: true },
    description: 'Makes a token for a person or a CI job.',
    args: {
      name: t.arg.string({ required: true, description: 'Who or what it is for.' }),
      role: t.arg({ type: Role, required: true, description: 'What it allows.' }),
      expiresInDays: t.arg.int({ description: 'When it ends; it never does if this is left out.' }),
    },
    resolve: (_root, { name, role, expiresInDays }, { db, actor }) => {
      if (name.trim() === '' || name.length > MAX_NAME) {
        throw new GraphiumError('BAD_INPUT', `name: expected 1 to ${MAX_NAME} characters.`);
      }
      if (expiresInDays != null && (expiresInDays < 1 || expiresInDays > 3_650)) {
        throw new GraphiumError('BAD_INPUT', `expiresInDays: expected 1 to 3650, got ${expiresInDays}.`);
      }
      return createUserToken(db, actor, { name, role, expiresInDays: expiresInDays ?? null });
    },
  }),
  revokeToken: t.field({
    type: Token,
    authScopes: { admin: true },
    description: 'Ends a token at once; sockets that use it are closed.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, { db, actor }) => revokeToken(db, actor, checkId('token', id)),
  }),
  createJoinToken: t.field({
    type: JoinToken,
    authScopes: { admin: true },
    description: 'Makes a token that enrols one agent within 15 minutes.',
    args: {
      name: t.arg.string({
        description: 'The only name it may enrol; it then may also take the place of an agent of that name.',
      }),
      labels: t.arg({ type: [LabelInput], description: 'What the agent will be labelled with.' }),
    },
    resolve: (_root, { name, labels }, { db, actor }) =>
      createJoinToken(db, actor, { agentName: name == null ? null : checkAgentName(name), labels: fromLabels(labels) }),
  }),
}));
