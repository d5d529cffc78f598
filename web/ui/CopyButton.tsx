import { useEffect, useState } from 'react';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), 2_500);
    return () => clearTimeout(timer);
  }, [state]);
  const said = { idle: label, copied: 'Copied', failed: 'Not copied: select the text and copy it by hand' }[state];
  return (
    <Button onClick={async (event) => setState((await copy(text, event.currentTarget)) ? 'copied' : 'failed')}>
      <Icon name={state === 'copied' ? 'check' : 'copy'} />
      <span aria-live="polite">{said}</span>
    </Button>
  );
}

/** `navigator.clipboard` exists only in a secure context. Over plain HTTP the old command still works. */
async function copy(text: string, button: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('aria-label', 'Text to copy');
    area.className = 'visually-hidden';
    (button.parentElement ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    button.focus();
    return done;
  }
}
