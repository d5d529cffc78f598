import { Button } from './Button.tsx';

type Props = {
  label: string;
  on: boolean;
  busy?: boolean;
  /** Why the switch cannot be used now. */
  reason?: string | null;
  onChange: (on: boolean) => void;
};

/** Unlike a checkbox in a form, it takes effect at once. */
export function Switch({ label, on, busy = false, reason = null, onChange }: Props) {
  return (
    <Button
      look="quiet"
      className="switch"
      role="switch"
      aria-checked={on}
      busy={busy}
      reason={reason}
      onClick={() => onChange(!on)}
    >
      <span className="switch-track" aria-hidden="true">
        <span className="switch-thumb" />
      </span>
      {label} <span className="switch-state">{on ? 'on' : 'off'}</span>
    </Button>
  );
}
