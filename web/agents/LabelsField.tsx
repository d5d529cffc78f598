import { Field } from '../ui/Field.tsx';

type Props = { label: string; text: string; mistake: string | null; onChange: (text: string) => void };

export function LabelsField({ label, text, mistake, onChange }: Props) {
  return (
    <Field label={label} hint={mistake ?? 'One key=value per line.'}>
      {({ id, hintId }) => (
        <textarea
          id={id}
          aria-describedby={hintId}
          aria-invalid={mistake !== null || undefined}
          className="mono"
          rows={3}
          spellCheck={false}
          placeholder="zone=cellar"
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
