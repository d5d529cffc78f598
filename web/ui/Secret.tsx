import { CopyButton } from './CopyButton.tsx';

/** Text that has to be copied now, with a button that copies it. */
export function Secret({ label, text }: { label: string; text: string }) {
  return (
    <div className="secret">
      <pre className="secret-text" aria-label={label} role="note">
        {text}
      </pre>
      <CopyButton text={text} label={`Copy ${label.toLowerCase()}`} />
    </div>
  );
}
