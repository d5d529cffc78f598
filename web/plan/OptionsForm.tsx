import { Field } from '../ui/Field.tsx';
import { type OptionFields, parseOptions } from './options.ts';

type Props = { fields: OptionFields; withOnFailure: boolean; onChange: (fields: OptionFields) => void };

/** Options that most people leave alone, so they are folded away; a mistake in them is shown outside the fold. */
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
          <Field
            label="On failure"
            hint="Without a choice here, the stack file decides. If it says nothing, the stack is rolled back."
          >
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
        {input(
          'priority',
          'Priority',
          'From -100 to 100. A higher priority overtakes others that wait for the same host.',
        )}
        {input('maxRetries', 'Retries', 'How often a task is retried after a failure that may be temporary.')}
        {input('timeoutSeconds', 'Time limit (seconds)', 'For the whole deployment.', 'none')}
        {input('taskTimeoutSeconds', 'Time limit of each task (seconds)', 'Counted from its first start.', 'none')}
      </div>
      {'mistake' in parsed && (
        <p className="small differs" role="status">
          {parsed.mistake}
        </p>
      )}
    </details>
  );
}
