import { agentById } from '../agents/loaders.ts';
import { placedOf } from '../planning/placed.ts';
import { builder, checkPage } from '../schema/builder.ts';
import type { Context } from '../schema/context.ts';
import { Stack, StackFormat, shownSource } from './graphql.ts';
import { stackById } from './loaders.ts';
import { findRevision, listPlacements, listRevisions, type RevisionSummary } from './store.ts';

type Place = { agentId: string; name: string; service: string; image: string };

const WantedPlace = builder.objectRef<Place>('WantedPlace').implement({
  description: 'A container of a revision and where it was placed.',
  authScopes: { viewer: true },
  fields: (t) => ({
    containerName: t.exposeString('name', { description: "The container's name on the host." }),
    service: t.exposeString('service', { description: "The name of the container's service." }),
    image: t.exposeString('image', { description: 'The image, as the stack file names it.' }),
    agent: t.string({
      description: 'The name of the agent on whose host the container was placed.',
      resolve: async ({ agentId }, _args, { load }) => (await load(agentById, agentId)).name,
    }),
  }),
});

async function placesOf({ stackId, number }: RevisionSummary, _args: object, { db }: Context): Promise<Place[]> {
  const spec = (await findRevision(db, stackId, number))?.spec;
  const places = await listPlacements(db, stackId, number);
  return (spec ? placedOf(spec, places) : []).map(({ agentId, service, container: { name, image } }) => ({
    agentId,
    name,
    image,
    service: service.name,
  }));
}

export const Revision = builder.objectRef<RevisionSummary>('Revision').implement({
  description: 'A numbered version of a stack. A revision never changes.',
  authScopes: { viewer: true },
  fields: (t) => ({
    number: t.exposeInt('number', { description: "The revision's number. Later revisions have higher numbers." }),
    format: t.field({
      type: StackFormat,
      description: "The format of the revision's stack file.",
      resolve: (row) => row.format,
    }),
    source: t.string({
      description:
        'The stack file as it was sent. Secrets in it are not shown, nor, to viewers, the values of environments, commands and labels.',
      resolve: async ({ stackId, number }, _args, context) =>
        shownSource((await findRevision(context.db, stackId, number))?.source ?? '', context),
    }),
    variableNames: t.stringList({
      description: 'The names of the variables that the stack file uses. Their values are stored sealed and not shown.',
      resolve: (row) => row.variableNames,
    }),
    note: t.exposeString('note', {
      nullable: true,
      description:
        'Where the revision comes from if not from a stack file alone, such as `web scaled to 3`; otherwise null.',
    }),
    isGood: t.boolean({
      description: 'Whether this is the last good revision, which a failed deployment is rolled back to.',
      resolve: async ({ stackId, number }, _args, { load }) => (await load(stackById, stackId)).goodRevision === number,
    }),
    containers: t.field({
      type: [WantedPlace],
      description: "The revision's containers and where they were placed.",
      resolve: placesOf,
    }),
    createdBy: t.exposeString('createdBy', {
      description: 'The name of the token that made the revision; `graphium` if the server did.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the revision was made.',
      resolve: (row) => row.createdAt,
    }),
  }),
});

builder.objectFields(Stack, (t) => ({
  revisions: t.field({
    type: [Revision],
    description: "The stack's revisions, newest first.",
    args: {
      first: t.arg.int({
        required: true,
        defaultValue: 20,
        description: 'The maximum number of revisions to return, from 1 to 500.',
      }),
      before: t.arg.int({ description: 'Only revisions with a lower number than this. If omitted, the newest too.' }),
    },
    resolve: (stack, { first, before }, { db }) => listRevisions(db, stack.id, checkPage(first), before ?? undefined),
  }),
  revisionNumbered: t.field({
    type: Revision,
    nullable: true,
    description: 'The revision with the given number; null if there is none.',
    args: { number: t.arg.int({ required: true, description: "The revision's number." }) },
    resolve: async (stack, { number }, { db }) => (await findRevision(db, stack.id, number)) ?? null,
  }),
}));
