import { Field } from '../ui/Field.tsx';
import { type OptionFields, parseOptions } from './options.ts';

type Props = { fields: OptionFields; withOnFailure: boolean; onChange: (fields: OptionFields) => void };

/** What most people leave as it is, folded away. A mistake is said where the button is. */
export function OptionsForm({ fields, withOnFailure, onChange }: Props) {
  const parsed = parseOptions(fields);
  const input = (name: Exclude<keyof OptionFields, 'onFailure'>, label: string, hint: string, placeholder = '') => (
    <Field label={label} hint={hint}>
      {({ id, hintId }) => (
        <input
          id={id}
          aria-describedby={hintId}
          inputMode="numeric"
          autoComplete="off"
          placeholder={placeholder}
          value={fields[name]}
          onChange={(event) => onChange({ ...fields, [name]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <details className="options">
      <summary>Options</summary>
      <div className="options-fields">
        {withOnFailure && (
          <Field label="On failure" hint="With nothing chosen, the stack file decides; if it says nothing, roll back.">
            {({ id, hintId }) => (
              <select
                id={id}
                aria-describedby={hintId}
                value={fields.onFailure}
                onChange={(event) =>
                  onChange({ ...fields, onFailure: event.target.value as OptionFields['onFailure'] })
                }
              >
                <option value="">As the stack file says</option>
                <option value="ROLLBACK">Roll back to the last good revision</option>
                <option value="KEEP">Keep what was done</option>
              </select>
            )}
          </Field>
        )}
        {input('priority', 'Priority', '-100 to 100. Higher ones overtake others that wait for the same host.')}
        {input('maxRetries', 'Retries', 'How often a task is tried again after a failure that may pass.')}
        {input('timeoutSeconds', 'Time limit (seconds)', 'For the whole deployment.', 'none')}
        {input('taskTimeoutSeconds', 'Time limit of each task (seconds)', 'From its first start.', 'none')}
      </div>
      {'mistake' in parsed && (
        <p className="small differs" role="status">
          {parsed.mistake}
        </p>
      )}
    </details>
  );
}
