import { useId, useState } from 'react';

/** A filter, '' for none. It stands in the address, beside others, so that a reload or a link keeps it. */
export function useFilter(name = 'q'): [string, (text: string) => void] {
  const [text, setText] = useState(() => new URLSearchParams(window.location.search).get(name) ?? '');
  const change = (next: string) => {
    setText(next);
    const query = new URLSearchParams(window.location.search);
    if (next === '') query.delete(name);
    else query.set(name, next);
    const search = query.size === 0 ? '' : `?${query}`;
    window.history.replaceState(null, '', window.location.pathname + search);
  };
  return [text, change];
}

/** Whether one of the texts contains every word of the filter. */
export function matches(filter: string, ...texts: readonly string[]): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const all = texts.join('\n').toLowerCase();
  return words.every((word) => all.includes(word));
}

type Props = { label: string; text: string; onChange: (text: string) => void };

export function FilterField({ label, text, onChange }: Props) {
  const id = useId();
  return (
    <div className="filter">
      <label className="visually-hidden" htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        type="search"
        placeholder={label}
        value={text}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
