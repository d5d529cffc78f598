import { useNow } from '../clock.ts';
import { formatDuration, formatRelative } from './format.ts';

/** Shows "5 min ago" and keeps it up to date; the tooltip has the full time. */
export function TimeAgo({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {formatRelative(Date.parse(at), now)}
    </time>
  );
}

/** Shows how long something took or, if `until` is null, how long it has been going on. */
export function Elapsed({ since, until }: { since: string; until: string | null }) {
  return (
    <span className="elapsed">
      {until ? formatDuration(Date.parse(until) - Date.parse(since)) : <Ticking since={since} />}
    </span>
  );
}

function Ticking({ since }: { since: string }) {
  return formatDuration(useNow() - Date.parse(since));
}

/** Counts down, "in 4 s", and says "any moment" once the time has come. */
export function Until({ at }: { at: string }) {
  const left = Date.parse(at) - useNow();
  return (
    <time dateTime={at} className="tabular">
      {left > 0 ? `in ${formatDuration(left + 999)}` : 'any moment'}
    </time>
  );
}
