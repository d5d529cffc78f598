import { useState } from 'react';
import { newKey } from '../key.ts';
import { Button } from '../ui/Button.tsx';
import { Field } from '../ui/Field.tsx';
import { Icon } from '../ui/Icon.tsx';
import type { Variable } from './format.ts';
import type { Draft } from './useDraft.ts';

/** One row for each variable that the file uses, and for each that is added by hand. */
export function Variables({ draft }: { draft: Draft }) {
  const { variables, extras, setExtras, values, setValue } = draft;
  return (
    <fieldset className="variables">
      <legend>Variables</legend>
      <p className="hint">
        {variables.length + extras.length === 0
          ? 'The file uses no variables.'
          : 'Their values are stored sealed and not shown again. A variable without a value is not set, so the default in the file applies.'}
      </p>
      {variables.map((variable) => (
        <div key={variable.name} className="variable">
          <span className="mono variable-name" title={variable.name}>
            {variable.name}
          </span>
          <Value
            label={`Value of ${variable.name}`}
            placeholder={toPlaceholder(variable)}
            value={values[variable.name] ?? ''}
            onChange={(value) => setValue(variable.name, value)}
          />
        </div>
      ))}
      {extras.map((extra) => (
        <div key={extra.id} className="variable">
          <input
            aria-label="Name of the variable"
            className="mono"
            autoComplete="off"
            spellCheck={false}
            placeholder="NAME"
            value={extra.name}
            onChange={(event) =>
              setExtras(extras.map((each) => (each.id === extra.id ? { ...each, name: event.target.value } : each)))
            }
          />
          <Value
            label={`Value of ${extra.name || 'the new variable'}`}
            placeholder="not set"
            value={values[extra.id] ?? ''}
            onChange={(value) => setValue(extra.id, value)}
          />
          <Button
            look="quiet"
            className="button-icon"
            aria-label={`Remove ${extra.name || 'the new variable'}`}
            onClick={() => setExtras(extras.filter((each) => each.id !== extra.id))}
          >
            <Icon name="close" />
          </Button>
        </div>
      ))}
      <div>
        <Button onClick={() => setExtras([...extras, { id: newKey(), name: '' }])}>
          <Icon name="plus" /> Add a variable
        </Button>
      </div>
    </fieldset>
  );
}

function toPlaceholder({ fallback, needed }: Variable): string {
  if (needed) return 'required by the file';
  return fallback === null ? 'not set' : `default: ${fallback || 'empty'}`;
}

type ValueProps = {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
};

/** Nobody knows which values are secret, so each is hidden until somebody wants to see it. */
function Value({ label, placeholder, value, onChange }: ValueProps) {
  const [hidden, setHidden] = useState(true);
  return (
    <span className="variable-value">
      <input
        aria-label={label}
        className="mono"
        type={hidden ? 'password' : 'text'}
        autoComplete={hidden ? 'new-password' : 'off'}
        spellCheck={false}
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <Button look="quiet" aria-label={`${hidden ? 'Show' : 'Hide'} ${label}`} onClick={() => setHidden(!hidden)}>
        {hidden ? 'Show' : 'Hide'}
      </Button>
    </span>
  );
}

/** What a Compose file leaves to whoever deploys it: the name of the stack, and the profiles. */
export function NameAndProfiles({ draft }: { draft: Draft }) {
  return (
    <>
      <Field label="Name of the stack" hint={toNameHint(draft)}>
        {({ id, hintId }) => (
          <input
            id={id}
            aria-describedby={hintId}
            className="mono"
            autoComplete="off"
            spellCheck={false}
            placeholder={draft.namedInFile ?? 'shop'}
            value={draft.name}
            onChange={(event) => draft.setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="Profiles (optional)" hint="Separate them with commas; * means all.">
        {({ id, hintId }) => (
          <input
            id={id}
            aria-describedby={hintId}
            className="mono"
            autoComplete="off"
            spellCheck={false}
            value={draft.profiles}
            onChange={(event) => draft.setProfiles(event.target.value)}
          />
        )}
      </Field>
    </>
  );
}

function toNameHint({ name, namedInFile }: Draft): string {
  if (namedInFile === null) return 'The file has no "name:", so enter one here.';
  return name.trim() === '' || name.trim() === namedInFile
    ? 'The name is taken from the file.'
    : `It replaces ${namedInFile}, the name in the file.`;
}
