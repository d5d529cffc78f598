import type { FieldDifference } from './documents.ts';

/** Shows the old and the new value of each field. */
export function Differences({ fields }: { fields: readonly FieldDifference[] }) {
  if (fields.length === 0) return null;
  return (
    <dl className="differences">
      {fields.map((each) => (
        <div key={each.field}>
          <dt className="mono">{each.field}</dt>
          <dd className="mono">
            {each.old === null ? <Absent /> : <del>{each.old}</del>}
            <span className="arrow" aria-hidden="true">
              →
            </span>
            <span className="visually-hidden">becomes</span>
            {each.new === null ? <Absent /> : <ins>{each.new}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const Absent = () => <span className="muted">not set</span>;
