import { createStore } from './store.ts';

const KEY = 'graphium.token';

/** Signed in with `token`, or signed out. `message` says why, unless the user signed out in this tab. */
export type Session = { token: string } | { token: null; message: string | null };

export const session = createStore<Session>({ token: null, message: null });

/** Takes the token from the link that the server prints (`/#token=…`), or else the one stored last time. */
export function startSession(): void {
  const fromLink = takeTokenFromFragment();
  const token = fromLink ?? readToken();
  if (fromLink) writeToken(fromLink);
  session.set(token ? { token } : { token: null, message: null });
  window.addEventListener('hashchange', () => {
    const next = takeTokenFromFragment();
    if (next) signIn(next);
  });
  window.addEventListener('storage', (event) => {
    if (event.key !== KEY) return;
    session.set(
      event.newValue ? { token: event.newValue } : { token: null, message: 'You signed out in another tab.' },
    );
  });
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
