import { useNow } from '../clock.ts';
import { formatDuration, formatRelative } from './format.ts';

/** "5 min ago", kept up to date; the full time as a tooltip. */
export function TimeAgo({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {formatRelative(Date.parse(at), now)}
    </time>
  );
}

/** How long something took, or has been going on when `until` is null. */
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

/** "in 4 s" until a moment, "any moment" afterwards. */
export function Until({ at }: { at: string }) {
  const left = Date.parse(at) - useNow();
  return (
    <time dateTime={at} className="tabular">
      {left > 0 ? `in ${formatDuration(left + 999)}` : 'any moment'}
    </time>
  );
}
