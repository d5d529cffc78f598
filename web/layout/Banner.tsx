import { useEffect, useState } from 'react';
import type { Socket } from '../socket.ts';
import { useStore } from '../store.ts';

/** A connection that returns sooner than this is not worth mentioning. */
const SHOWN_AFTER_MS = 500;

export function Banner({ socket }: { socket: Socket }) {
  const lost = useStore(socket.state) === 'lost';
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!lost) return setShown(false);
    const timer = setTimeout(() => setShown(true), SHOWN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [lost]);
  return (
    <div className="banner-place" role="status">
      {shown && (
        <p className="banner">
          <span className="spinner" aria-hidden="true" /> Reconnecting… What you see may be out of date.
        </p>
      )}
    </div>
  );
}
