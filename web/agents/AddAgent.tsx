import { type FormEvent, useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Alert } from '../ui/Alert.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Field } from '../ui/Field.tsx';
import { Secret } from '../ui/Secret.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { type Agent, CreateJoinToken, type JoinToken } from './documents.ts';
import { LabelsField } from './LabelsField.tsx';
import { parseLabels } from './labels.ts';

type Props = { agents: Agent[]; onClose: () => void };

export function AddAgent({ agents, onClose }: Props) {
  const [token, setToken] = useState<JoinToken | null>(null);
  const [known] = useState(() => new Set(agents.map((agent) => agent.id)));
  const joined = agents.find((agent) => !known.has(agent.id));
  return (
    <Dialog
      title="Add an agent"
      onClose={onClose}
      footer={token && <Button onClick={onClose}>{joined ? 'Done' : 'Close'}</Button>}
    >
      {token ? <Command token={token} joined={joined} /> : <Form onCreated={setToken} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ onCreated, onClose }: { onCreated: (token: JoinToken) => void; onClose: () => void }) {
  const [name, setName] = useState('');
  const [labels, setLabels] = useState('');
  const [server, setServer] = useState('');
  const action = useAction(CreateJoinToken);
  const parsed = parseLabels(labels);
  const mistake = 'mistake' in parsed ? parsed.mistake : null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ('mistake' in parsed || action.busy) return;
    const { data } = await action.run({
      name: name.trim() || null,
      labels: parsed.labels,
      server: server.trim() || null,
    });
    if (data) onCreated(data.createJoinToken);
  };
  return (
    <form className="form" onSubmit={submit}>
      <p className="muted">This creates a token that works only once, and shows the command to run on the new host.</p>
      <Field
        label="Name (optional)"
        hint="Stack files refer to the host by this name. If you leave it empty, the agent may choose its own."
      >
        {({ id, hintId }) => (
          <input
            id={id}
            data-first
            aria-describedby={hintId}
            className="mono"
            autoComplete="off"
            spellCheck={false}
            placeholder="vm3"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <LabelsField label="Labels (optional)" text={labels} mistake={mistake} onChange={setLabels} />
      <Field
        label="Server address (optional)"
        hint="As the new host reaches this server. If you leave it empty, it is the address that this page came from, or the one that the server was given."
      >
        {({ id, hintId }) => (
          <input
            id={id}
            aria-describedby={hintId}
            className="mono"
            autoComplete="off"
            spellCheck={false}
            placeholder="https://graphium.example.com"
            value={server}
            onChange={(event) => setServer(event.target.value)}
          />
        )}
      </Field>
      {action.problem && <ProblemAlert problem={action.problem} />}
      <div className="actions actions-end">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="primary" busy={action.busy} reason={mistake}>
          Create the command
        </Button>
      </div>
    </form>
  );
}

function Command({ token, joined }: { token: JoinToken; joined: Agent | undefined }) {
  return (
    <div className="form">
      <p>Run this on the new host, next to its Docker engine, in the folder of Graphium:</p>
      <Secret label="Command" text={token.command} />
      {token.warning && (
        <Alert tone="warn" title="This address may not do.">
          {token.warning}
        </Alert>
      )}
      <p className="muted small">
        The token in it works only once
        {token.token.expiresAt && (
          <>
            {' '}
            and expires <TimeAgo at={token.token.expiresAt} />
          </>
        )}
        . It will not be shown again.
      </p>
      {joined ? (
        <Alert tone="good" title={`${joined.name} has joined.`} />
      ) : (
        <p className="loading muted" role="status">
          <span className="spinner" aria-hidden="true" /> Waiting for a new agent to join…
        </p>
      )}
    </div>
  );
}
