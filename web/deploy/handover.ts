import { navigate, toPath, toRoute } from '../router.ts';
import { createStore } from '../store.ts';
import type { Source } from './source.ts';

/** A text on its way to the editor: dropped on some screen, taken by the one with the editor. */
export const handover = createStore<Source | null>(null);

export function handOver(source: Source): void {
  handover.set(source);
  const { screen } = toRoute(window.location.pathname);
  if (screen !== 'deploy' && screen !== 'adopt') navigate(toPath({ screen: 'deploy', stack: null, revision: null }));
}
