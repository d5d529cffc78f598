import { type ButtonHTMLAttributes, type ReactNode, useId } from 'react';

type Props = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled'> & {
  look?: 'primary' | 'plain' | 'danger' | 'quiet';
  busy?: boolean;
  /** Why the button cannot be used now. It remains reachable by keyboard, so that the reason can be read. */
  reason?: string | null;
  children: ReactNode;
};

export function Button({ look = 'plain', busy = false, reason = null, children, onClick, ...rest }: Props) {
  const reasonId = useId();
  const blocked = busy || reason !== null;
  return (
    <>
      <button
        type="button"
        {...rest}
        className={`button button-${look} ${rest.className ?? ''}`}
        aria-disabled={blocked || undefined}
        aria-busy={busy || undefined}
        aria-describedby={reason ? reasonId : undefined}
        title={reason ?? rest.title}
        onClick={(event) => {
          if (blocked) event.preventDefault();
          else onClick?.(event);
        }}
      >
        {busy && <span className="spinner" aria-hidden="true" />}
        {children}
      </button>
      {reason && (
        <span id={reasonId} className="visually-hidden">
          {reason}
        </span>
      )}
    </>
  );
}
