import type { Problem } from '../errors.ts';
import { Alert } from '../ui/Alert.tsx';
import { Button } from '../ui/Button.tsx';

/** Shows a failed request to the user. */
export function ProblemAlert({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <Alert
      tone="bad"
      title={problem.title}
      code={problem.code}
      actions={again && <Button onClick={again}>Try again</Button>}
    >
      <p className="lines">{problem.message}</p>
    </Alert>
  );
}
