import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './schema.ts';

/** What `schema.graphql` has to hold. */
export const printed = `${printSchema(lexicographicSortSchema(schema))}\n`;

if (import.meta.main) writeFileSync(new URL('../../schema.graphql', import.meta.url), printed);
