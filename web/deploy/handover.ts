import { navigate, toPath, toRoute } from '../router.ts';
import { createStore } from '../store.ts';
import type { Source } from './source.ts';

/** Text that was dropped on any screen and waits for the screen with the editor to take it. */
export const handover = createStore<Source | null>(null);

export function handOver(source: Source): void {
  handover.set(source);
  const { screen } = toRoute(window.location.pathname);
  if (screen !== 'deploy' && screen !== 'adopt') navigate(toPath({ screen: 'deploy', stack: null, revision: null }));
}
