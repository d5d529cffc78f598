import type { ReactNode } from 'react';
import type { Tone } from '../tone.ts';

/** Each tone has a shape of its own, so that it can be told apart without colours. */
const SHAPES: Record<Tone, ReactNode> = {
  good: <circle cx="5" cy="5" r="4" fill="currentColor" />,
  busy: (
    <g fill="none" stroke="currentColor" strokeWidth="2">
      <circle cx="5" cy="5" r="3.5" opacity=".35" />
      <path d="M5 1.5A3.5 3.5 0 0 1 8.5 5" strokeLinecap="round" />
    </g>
  ),
  warn: <path d="M5 .8 9.6 9H.4z" fill="currentColor" />,
  bad: <path d="M1.5 1.5l7 7M8.5 1.5l-7 7" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" />,
  idle: <circle cx="5" cy="5" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.6" />,
};

export function Badge({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string | undefined }) {
  return (
    <span className={`badge tone-${tone}`} title={title}>
      <svg
        viewBox="0 0 10 10"
        width="10"
        height="10"
        aria-hidden="true"
        className={tone === 'busy' ? 'turning' : undefined}
      >
        {SHAPES[tone]}
      </svg>
      {children}
    </span>
  );
}
