type Props = {
  label: string;
  /** Screen readers read this instead of the percentage. */
  text?: string;
  /** 0 to 1. */
  value: number;
  /** The part of `value` that went wrong, 0 to 1. */
  failed?: number;
  large?: boolean;
};

export function ProgressBar({ label, text, value, failed = 0, large = false }: Props) {
  const percent = Math.round(Math.min(1, Math.max(0, value)) * 100);
  const failedPercent = Math.min(percent, Math.ceil(failed * 100));
  return (
    <div
      className={large ? 'progress progress-large' : 'progress'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={text}
    >
      <span className="progress-done" style={{ inlineSize: `${percent - failedPercent}%` }} />
      {failedPercent > 0 && <span className="progress-failed" style={{ inlineSize: `${failedPercent}%` }} />}
    </div>
  );
}
