import { type MouseEvent, useCallback } from 'react';
import { createStore, useStore } from './store.ts';

export type Route =
  | { screen: 'stacks' }
  | { screen: 'stack'; name: string }
  /** `stack` null: a new one. `revision` null: its current one. */
  | { screen: 'deploy'; stack: string | null; revision: number | null }
  | { screen: 'adopt'; stack: string }
  | { screen: 'deployments' }
  | { screen: 'deployment'; id: string }
  | { screen: 'agents' }
  | { screen: 'tokens' }
  | { screen: 'unknown'; path: string };

const location = createStore(window.location.pathname);

export function startRouter(): void {
  window.addEventListener('popstate', () => location.set(window.location.pathname));
}

export function toRoute(path: string): Route {
  const [first, second, ...rest] = path.split('/').filter(Boolean).map(decode);
  if (first === 'stacks' && second !== undefined && rest.length > 0) return toStackRoute(second, rest, path);
  if (rest.length > 0) return { screen: 'unknown', path };
  if (first === undefined) return { screen: 'stacks' };
  if (first === 'deploy' && second === undefined) return { screen: 'deploy', stack: null, revision: null };
  if (first === 'stacks') return second === undefined ? { screen: 'stacks' } : { screen: 'stack', name: second };
  if (first === 'deployments') {
    return second === undefined ? { screen: 'deployments' } : { screen: 'deployment', id: second };
  }
  if (first === 'agents' && second === undefined) return { screen: 'agents' };
  if (first === 'tokens' && second === undefined) return { screen: 'tokens' };
  return { screen: 'unknown', path };
}

function toStackRoute(stack: string, [word, number, ...rest]: string[], path: string): Route {
  if (rest.length === 0) {
    if (word === 'adopt' && number === undefined) return { screen: 'adopt', stack };
    if (word === 'deploy' && number === undefined) return { screen: 'deploy', stack, revision: null };
    if (word === 'deploy' && /^[1-9]\d{0,8}$/.test(number ?? '')) {
      return { screen: 'deploy', stack, revision: Number(number) };
    }
  }
  return { screen: 'unknown', path };
}

export function toPath(route: Exclude<Route, { screen: 'unknown' }>): string {
  if (route.screen === 'stack') return `/stacks/${toSegment(route.name)}`;
  if (route.screen === 'adopt') return `/stacks/${toSegment(route.stack)}/adopt`;
  if (route.screen === 'deploy') {
    if (route.stack === null) return '/deploy';
    return `/stacks/${toSegment(route.stack)}/deploy${route.revision === null ? '' : `/${route.revision}`}`;
  }
  if (route.screen === 'deployment') return `/deployments/${toSegment(route.id)}`;
  return route.screen === 'stacks' ? '/' : `/${route.screen}`;
}

export function useRoute(): Route {
  return toRoute(useStore(location));
}

export function navigate(to: string): void {
  if (to === window.location.pathname) return;
  window.history.pushState(null, '', to);
  window.scrollTo(0, 0);
  location.set(window.location.pathname);
}

/** Props for an `<a>` that stays in the page, but leaves new-tab clicks to the browser. */
export function useLink(to: string) {
  const onClick = useCallback(
    (event: MouseEvent) => {
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      navigate(to);
    },
    [to],
  );
  return { href: to, onClick };
}

/** A dot is written %2E, because the server takes a path with one for the name of a file. */
function toSegment(text: string): string {
  return encodeURIComponent(text).replaceAll('.', '%2E');
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
