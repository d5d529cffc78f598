import { createStore } from './store.ts';

const KEY = 'graphium.token';

/** Signed in with `token`, or signed out. `message` says why, unless the user signed out in this tab. */
export type Session = { token: string } | { token: null; message: string | null };

export const session = createStore<Session>({ token: null, message: null });

/** Takes the token from the link that the server prints (`/#token=…`), or else the one stored last time. */
export function startSession(): void {
  const fromLink = takeTokenFromFragment();
  const stored = readToken();
  const token = fromLink !== null && mayReplace(stored, fromLink) ? fromLink : stored;
  if (token !== null && token !== stored) writeToken(token);
  session.set(token ? { token } : { token: null, message: null });
  window.addEventListener('hashchange', () => {
    const next = takeTokenFromFragment();
    if (next && mayReplace(session.get().token, next)) signIn(next);
  });
  window.addEventListener('storage', (event) => {
    if (event.key !== KEY) return;
    session.set(
      event.newValue ? { token: event.newValue } : { token: null, message: 'You signed out in another tab.' },
    );
  });
}

/** A link from anywhere must not make somebody work under another name unawares. */
function mayReplace(current: string | null, next: string): boolean {
  if (current === null || current === next) return true;
  return window.confirm('You are signed in already. Sign in with the token of this link instead?');
}

export function signIn(token: string): void {
  writeToken(token);
  session.set({ token });
}

export function signOut(message: string | null = null): void {
  writeToken(null);
  session.set({ token: null, message });
}

/** Replaces the entry in the history before anything renders: the secret must not stay there or in the address bar. */
function takeTokenFromFragment(): string | null {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('token');
  if (token === null) return null;
  window.history.replaceState(null, '', window.location.pathname + window.location.search);
  return token.trim() || null;
}

/** A browser may have its storage switched off; then the session lasts as long as the tab. */
function readToken(): string | null {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function writeToken(token: string | null): void {
  try {
    if (token === null) window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, token);
  } catch {
    // The session then lasts as long as the tab; see readToken.
  }
}
