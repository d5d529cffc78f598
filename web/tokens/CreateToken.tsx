import { type FormEvent, useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Field } from '../ui/Field.tsx';
import { Secret } from '../ui/Secret.tsx';
import { ROLES } from '../words.ts';
import { CreateToken, type Role } from './documents.ts';

const LIFETIMES = [
  { days: '7', text: '7 days' },
  { days: '30', text: '30 days' },
  { days: '90', text: '90 days' },
  { days: '365', text: '1 year' },
  { days: '', text: 'Never' },
];
const CHOICES: Role[] = ['VIEWER', 'OPERATOR', 'ADMIN'];

export function CreateTokenDialog({ onClose }: { onClose: () => void }) {
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Dialog
      title="Create a token"
      onClose={onClose}
      footer={secret && <Button onClick={onClose}>I have copied it</Button>}
    >
      {secret ? (
        <div className="form">
          <p>Copy the token now: only its hash is stored, so it cannot be shown again.</p>
          <Secret label="Token" text={secret} />
        </div>
      ) : (
        <Form onCreated={setSecret} onClose={onClose} />
      )}
    </Dialog>
  );
}

function Form({ onCreated, onClose }: { onCreated: (secret: string) => void; onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('OPERATOR');
  const [days, setDays] = useState('90');
  const action = useAction(CreateToken);
  const reason = name.trim() === '' ? 'Give it a name first.' : null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (reason || action.busy) return;
    const { data } = await action.run({ name: name.trim(), role, expiresInDays: days === '' ? null : Number(days) });
    if (data) onCreated(data.createToken.secret);
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field label="Name" hint="Who or what will use it, such as a person or a CI pipeline.">
        {({ id, hintId }) => (
          <input
            id={id}
            data-first
            aria-describedby={hintId}
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="Role" hint={`${ROLES[role].text}: ${ROLES[role].hint}.`}>
        {({ id, hintId }) => (
          <select
            id={id}
            aria-describedby={hintId}
            value={role}
            onChange={(event) => setRole(CHOICES.find((each) => each === event.target.value) ?? 'VIEWER')}
          >
            {CHOICES.map((each) => (
              <option key={each} value={each}>
                {ROLES[each].text}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Expires after">
        {({ id }) => (
          <select id={id} value={days} onChange={(event) => setDays(event.target.value)}>
            {LIFETIMES.map((each) => (
              <option key={each.days} value={each.days}>
                {each.text}
              </option>
            ))}
          </select>
        )}
      </Field>
      {action.problem && <ProblemAlert problem={action.problem} />}
      <div className="actions actions-end">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="primary" busy={action.busy} reason={reason}>
          Create
        </Button>
      </div>
    </form>
  );
}
