import { createStore, useStore } from '../store.ts';

const announcement = createStore('');

/** Says something to screen readers only, such as the verdict of a deployment that is being watched. */
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
