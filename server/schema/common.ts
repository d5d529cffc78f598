import { builder } from './builder.ts';

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
