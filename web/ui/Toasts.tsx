import { createStore, useStore } from '../store.ts';
import { Icon } from './Icon.tsx';

type Toast = { id: number; tone: 'good' | 'bad'; text: string };

const SHOWN_MS = 6_000;
const toasts = createStore<Toast[]>([]);
let lastId = 0;

/** Shows a message. Good news disappears after a while; bad news stays until somebody dismisses it. */
export function toast(tone: Toast['tone'], text: string): void {
  const id = ++lastId;
  toasts.set([...toasts.get().slice(-3), { id, tone, text }]);
  if (tone === 'good') setTimeout(() => dismiss(id), SHOWN_MS);
}

function dismiss(id: number): void {
  toasts.set(toasts.get().filter((each) => each.id !== id));
}

export function Toasts() {
  const shown = useStore(toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((each) => (
        <div key={each.id} className={`toast toast-${each.tone}`}>
          <span>{each.text}</span>
          <button
            type="button"
            className="button button-quiet button-icon"
            aria-label="Dismiss"
            onClick={() => dismiss(each.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
