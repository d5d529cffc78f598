import { createContext, useContext } from 'react';
import { graphql, type ResultOf } from './graphql.ts';
import { ROLES } from './words.ts';

export const ViewerQuery = graphql(`
  query Viewer {
    viewer {
      name
      kind
      role
    }
  }
`);

export type Viewer = ResultOf<typeof ViewerQuery>['viewer'];
type Role = NonNullable<Viewer['role']>;

const RANK: Record<Role, number> = { VIEWER: 0, OPERATOR: 1, ADMIN: 2 };

export const ViewerContext = createContext<Viewer | null>(null);

export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (!viewer) throw new Error('useViewer outside of a signed-in page');
  return viewer;
}

/** Returns why the viewer may not do something, or null if he may. Only a courtesy: the server decides. */
export function useDenial(needed: Role): string | null {
  const { role } = useViewer();
  if (role && RANK[role] >= RANK[needed]) return null;
  return `Needs the role ${ROLES[needed].text}; your token has ${role ? ROLES[role].text : 'none'}.`;
}
