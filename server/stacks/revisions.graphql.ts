import { agentById } from '../agents/loaders.ts';
import { placedOf } from '../planning/placed.ts';
import { builder, checkPage } from '../schema/builder.ts';
import { Stack, StackFormat } from './graphql.ts';
import { stackById } from './loaders.ts';
import { findRevision, listPlacements, listRevisions, type RevisionSummary } from './store.ts';

const WantedPlace = builder
  .objectRef<{ agentId: string; name: string; service: string; image: string }>('WantedPlace')
  .implement({
    description: 'A container of a revision and where it was placed.',
    authScopes: { viewer: true },
    fields: (t) => ({
      containerName: t.exposeString('name', { description: 'Its name on the host.' }),
      service: t.exposeString('service', { description: 'Its service.' }),
      image: t.exposeString('image', { description: 'Its image.' }),
      agent: t.string({
        description: 'The host.',
        resolve: async ({ agentId }, _args, { load }) => (await load(agentById, agentId)).name,
      }),
    }),
  });

const Revision = builder.objectRef<RevisionSummary>('Revision').implement({
  description: 'One of the numbered states that a stack was or is to be in. It never changes.',
  authScopes: { viewer: true },
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'Its number; they only rise.' }),
    format: t.field({ type: StackFormat, description: 'The format of its file.', resolve: (row) => row.format }),
    source: t.string({
      description: 'Its file as it was sent; secrets that stood in it are not shown.',
      resolve: async ({ stackId, number }, _args, { db }) => (await findRevision(db, stackId, number))?.source ?? '',
    }),
    variableNames: t.stringList({
      description: 'The variables that the file uses. Their values are not kept.',
      resolve: (row) => row.variableNames,
    }),
    note: t.exposeString('note', {
      nullable: true,
      description: 'Where it does not come from the file alone, such as "web scaled to 3".',
    }),
    isGood: t.boolean({
      description: 'Whether it is what a failed deployment would go back to.',
      resolve: async ({ stackId, number }, _args, { load }) => (await load(stackById, stackId)).goodRevision === number,
    }),
    containers: t.field({
      type: [WantedPlace],
      description: 'Its containers and where they were placed.',
      resolve: async ({ stackId, number }, _args, { db }) => {
        const spec = (await findRevision(db, stackId, number))?.spec;
        const own = (await listPlacements(db, stackId)).filter(({ revision }) => revision === number);
        const places = own.map(({ agentId, name }) => ({ agentId, containerName: name }));
        return (spec ? placedOf(spec, places) : []).map(({ agentId, service, container: { name, image } }) => ({
          agentId,
          name,
          image,
          service: service.name,
        }));
      },
    }),
    createdBy: t.exposeString('createdBy', { description: 'The name of the token it was made with.' }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was made.', resolve: (row) => row.createdAt }),
  }),
});

builder.objectFields(Stack, (t) => ({
  revisions: t.field({
    type: [Revision],
    description: 'Its revisions, newest first.',
    args: { first: t.arg.int({ required: true, defaultValue: 20, description: 'At most so many, 1 to 500.' }) },
    resolve: (stack, { first }, { db }) => listRevisions(db, stack.id, checkPage(first)),
  }),
  revisionNumbered: t.field({
    type: Revision,
    nullable: true,
    description: 'One of its revisions; null if there is none of that number.',
    args: { number: t.arg.int({ required: true, description: 'Its number.' }) },
    resolve: async (stack, { number }, { db }) => (await findRevision(db, stack.id, number)) ?? null,
  }),
}));
