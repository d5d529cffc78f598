import { type MouseEvent, useCallback } from 'react';
import { createStore, useStore } from './store.ts';

export type Route =
  | { screen: 'stacks' }
  | { screen: 'stack'; name: string }
  /** Without a `stack` it deploys a new one; without a `revision` it starts with the current one. */
  | { screen: 'deploy'; stack: string | null; revision: number | null }
  | { screen: 'adopt'; stack: string }
  | { screen: 'deployments' }
  | { screen: 'deployment'; id: string }
  | { screen: 'agents' }
  | { screen: 'tokens' }
  | { screen: 'unknown'; path: string };

const REVISION = /^[1-9]\d{0,8}$/;

const location = createStore(window.location.pathname);

export function startRouter(): void {
  window.addEventListener('popstate', () => location.set(window.location.pathname));
}

/** The screens whose address is a single word. */
const SCREENS = new Map<string, Route>([
  ['', { screen: 'stacks' }],
  ['stacks', { screen: 'stacks' }],
  ['deploy', { screen: 'deploy', stack: null, revision: null }],
  ['deployments', { screen: 'deployments' }],
  ['agents', { screen: 'agents' }],
  ['tokens', { screen: 'tokens' }],
]);

export function toRoute(path: string): Route {
  const [section = '', name, ...rest] = path.split('/').filter(Boolean).map(decode);
  if (name === undefined) return SCREENS.get(section) ?? { screen: 'unknown', path };
  if (section === 'stacks') return toStackRoute(name, rest, path);
  if (section === 'deployments' && rest.length === 0) return { screen: 'deployment', id: name };
  return { screen: 'unknown', path };
}

function toStackRoute(stack: string, rest: string[], path: string): Route {
  const [verb, revision] = rest;
  if (verb === undefined) return { screen: 'stack', name: stack };
  if (verb === 'adopt' && rest.length === 1) return { screen: 'adopt', stack };
  if (verb === 'deploy' && revision === undefined) return { screen: 'deploy', stack, revision: null };
  if (verb === 'deploy' && rest.length === 2 && REVISION.test(revision ?? '')) {
    return { screen: 'deploy', stack, revision: Number(revision) };
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

/** Returns props for an `<a>` that navigates within the page but leaves clicks for a new tab to the browser. */
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

/** Writes a dot as %2E, because the server takes a path that contains one for the name of a file. */
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
