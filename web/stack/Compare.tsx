import { useState } from 'react';
import { useQuery } from 'urql';
import { toProblem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Differences } from '../plan/Differences.tsx';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { Loading } from '../ui/Empty.tsx';
import { Field } from '../ui/Field.tsx';
import { DIFFERENCE_CHANGES, DIFFERENCE_SUBJECTS } from '../words.ts';
import { RevisionDifferences } from './documents.ts';

/** Shows what differs between two revisions. */
export function Compare({ name, numbers }: { name: string; numbers: readonly number[] }) {
  const [newest = 1, before = newest] = numbers;
  const [chosen, choose] = useState<{ from: number; to: number } | null>(null);
  const [shown, setShown] = useState(false);
  const { from, to } = chosen ?? { from: before, to: newest };
  const select = (label: string, value: number, change: (number: number) => void) => (
    <Field label={label}>
      {({ id }) => (
        <select id={id} value={value} onChange={(event) => change(Number(event.target.value))}>
          {numbers.map((number) => (
            <option key={number} value={number}>
              Revision {number}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  return (
    <div className="panel pad compare">
      <h3>Differences between two revisions</h3>
      <div className="compare-choice">
        {select('From', from, (number) => choose({ from: number, to }))}
        {select('To', to, (number) => choose({ from, to: number }))}
        <Button aria-expanded={shown} onClick={() => setShown(!shown)}>
          {shown ? 'Hide' : 'Compare'}
        </Button>
      </div>
      {shown && <Result name={name} from={from} to={to} />}
    </div>
  );
}

function Result({ name, from, to }: { name: string; from: number; to: number }) {
  const [{ data, error, fetching }, execute] = useQuery({ query: RevisionDifferences, variables: { name, from, to } });
  if (error) return <ProblemAlert problem={toProblem(error)} again={execute} />;
  if (fetching || !data) return <Loading what="the differences" />;
  const differences = data.stack?.differences ?? [];
  if (differences.length === 0) return <p className="muted">There are no differences.</p>;
  return (
    <ul className="rows" aria-label={`Differences of revision ${to} from revision ${from}`}>
      {differences.map((each) => (
        <li key={`${each.subject}:${each.name}`} className="plan-row">
          <Badge tone={DIFFERENCE_CHANGES[each.change].tone}>{DIFFERENCE_CHANGES[each.change].text}</Badge>
          <div>
            <span className="mono row-name">{each.name}</span>
            <span className="muted small">{DIFFERENCE_SUBJECTS[each.subject]}</span>
          </div>
          <span />
          <Differences fields={each.fields} />
        </li>
      ))}
    </ul>
  );
}
