import { createStore, useStore } from '../store.ts';

const announcement = createStore('');

/** Tells screen readers only, for example when a deployment that somebody watches has ended. */
export function announce(text: string): void {
  announcement.set(text);
}

export function Announcer() {
  return (
    <div className="visually-hidden" role="status" aria-live="polite" id="announcer">
      {useStore(announcement)}
    </div>
  );
}
