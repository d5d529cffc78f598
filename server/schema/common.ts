import { GraphiumError } from '../base/errors.ts';
import { builder, checkPage } from './builder.ts';

/** Types that several rooms use. */
export type LabelRow = { key: string; value: string };

export const Label = builder.objectRef<LabelRow>('Label').implement({
  description: 'A label that describes a host.',
  authScopes: { anyone: true },
  fields: (t) => ({
    key: t.exposeString('key', { description: "The label's name, such as `zone`." }),
    value: t.exposeString('value', { description: "The label's value, such as `eu-1`." }),
  }),
});

export const LabelInput = builder.inputType('LabelInput', {
  description: 'A label that describes a host.',
  fields: (t) => ({
    key: t.string({ required: true, description: "The label's name, such as `zone`." }),
    value: t.string({ required: true, description: "The label's value, such as `eu-1`." }),
  }),
});

export const toLabels = (labels: Record<string, string>): LabelRow[] =>
  Object.entries(labels).map(([key, value]) => ({ key, value }));

export type Page = { endCursor: string | null; hasNextPage: boolean };

export const PageInfo = builder.objectRef<Page>('PageInfo').implement({
  description: 'Where a page of a list ends.',
  authScopes: { anyone: true },
  fields: (t) => ({
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description:
        'The cursor of the last item, to be given as `after` to get the next page; null if the page is empty.',
    }),
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether there are more items after this page.' }),
  }),
});

/** @param rows one more than fit on the page, if there are more */
export function toPage<T extends { id: string }>(rows: readonly T[], first: number): { nodes: T[]; pageInfo: Page } {
  const nodes = rows.slice(0, first);
  return { nodes, pageInfo: { endCursor: nodes.at(-1)?.id ?? null, hasNextPage: rows.length > first } };
}

/** The arguments of a list that comes whole without them. */
export const pageArgs = builder.args((t) => ({
  first: t.int({ description: 'The maximum number of items to return, from 1 to 500. If omitted, all are returned.' }),
  after: t.id({
    description: 'The ID of the last item of the previous page. If omitted, the first page is returned.',
  }),
}));

type PageArgs = { first?: number | null | undefined; after?: string | null | undefined };

/** @throws GraphiumError BAD_INPUT, NOT_FOUND */
export function pageOf<T>(rows: readonly T[], { first, after }: PageArgs, idOf: (row: T) => string): T[] {
  const count = first == null ? rows.length : checkPage(first);
  const last = after == null ? -1 : rows.findIndex((row) => idOf(row) === after);
  if (after != null && last < 0) {
    throw new GraphiumError('NOT_FOUND', `after: "${after}" is not in the list, or not any more; begin again.`);
  }
  return rows.slice(last + 1, last + 1 + count);
}
