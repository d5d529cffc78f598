import { type FormEvent, useEffect, useRef, useState } from 'react';
import { createProbe } from '../client.ts';
import { isUnauthenticated, localProblem, type Problem, toProblem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { signIn } from '../session.ts';
import { Alert } from '../ui/Alert.tsx';
import { Button } from '../ui/Button.tsx';
import { Field } from '../ui/Field.tsx';
import { Logo } from '../ui/Icon.tsx';
import { ViewerQuery } from '../viewer.ts';

/** Asks for a token, and tries it before it is stored. */
export function SignIn({ message }: { message: string | null }) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Sign in · Graphium';
    field.current?.focus();
  }, []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const found = await findProblem(token.trim());
    setBusy(false);
    if (found) setProblem(found);
    else signIn(token.trim());
  };
  return (
    <main className="signin">
      <form className="signin-card" onSubmit={submit} noValidate>
        <div className="signin-brand">
          <Logo />
          <h1>Graphium</h1>
        </div>
        {message && !problem && (
          <Alert tone="warn" title="You were signed out">
            <p>{message}</p>
          </Alert>
        )}
        <input type="text" name="username" autoComplete="username" value="Graphium" readOnly hidden />
        <Field
          label="Access token"
          hint="When the server starts for the first time, it prints an admin token and a link that signs you in. An admin can create more tokens under Tokens."
        >
          {({ id, hintId }) => (
            <input
              ref={field}
              id={id}
              type="password"
              className="mono"
              autoComplete="current-password"
              placeholder="gph_user_…"
              spellCheck={false}
              aria-describedby={hintId}
              aria-invalid={problem !== null || undefined}
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          )}
        </Field>
        {problem && <ProblemAlert problem={problem} />}
        <Button type="submit" look="primary" busy={busy}>
          Sign in
        </Button>
        <p className="hint">The token stays in this browser until you sign out.</p>
      </form>
    </main>
  );
}

async function findProblem(token: string): Promise<Problem | null> {
  if (token === '') return { ...localProblem('EMPTY', 'Paste a token first.'), title: 'No token' };
  if (!/^[\x21-\x7e]+$/.test(token)) return notValid();
  const { data, error } = await createProbe(token).query(ViewerQuery, {}).toPromise();
  if (error) return isUnauthenticated(error) ? notValid() : toProblem(error);
  if (data?.viewer.kind !== 'USER') {
    const kind = data?.viewer.kind === 'JOIN' ? 'a join token' : "an agent's token";
    const message = `This is ${kind}. The page needs a user's token: one that starts with gph_user_.`;
    return { ...localProblem('WRONG_KIND', message), title: 'Not a user token' };
  }
  return null;
}

function notValid(): Problem {
  const message = 'The server does not know this token. It may be mistyped, revoked or expired.';
  return { code: 'UNAUTHENTICATED', title: 'This token is not valid', message, details: [] };
}
