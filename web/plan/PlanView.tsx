import type { ReactNode } from 'react';
import { Alert } from '../ui/Alert.tsx';
import { Badge } from '../ui/Badge.tsx';
import { plural } from '../ui/format.ts';
import { PLAN_ACTIONS } from '../words.ts';
import { Differences } from './Differences.tsx';
import type { Plan, PlanItem } from './documents.ts';

type Warning = Plan['warnings'][number];
type Props = { plan: Plan; onWarning?: (at: Warning) => void };

/** Shows what would be done, host by host and container by container. Its headings are of level 3. */
export function PlanView({ plan, onWarning }: Props) {
  const hosts = [...Map.groupBy(plan.items, (item) => item.agent)].sort(([a], [b]) => byName.compare(a, b));
  return (
    <div className="plan">
      <p className="plan-summary">{toSummary(plan)}</p>
      {plan.changes > 0 && <Downtime plan={plan} />}
      <Warnings warnings={plan.warnings} onWarning={onWarning} />
      {hosts.map(([agent, items]) => (
        <PlanHost key={agent} agent={agent} items={items} />
      ))}
      <Images images={plan.images} />
    </div>
  );
}

const byName = new Intl.Collator('en', { numeric: true });

function toSummary(plan: Plan): ReactNode {
  const revision = plan.isNewRevision ? `new revision ${plan.revision}` : `revision ${plan.revision}`;
  const counts = Map.groupBy(plan.items, (item) => item.action);
  const parts = (['CREATE', 'REPLACE', 'START', 'RESTART', 'STOP', 'REMOVE', 'NOOP'] as const).flatMap((action) => {
    const count = counts.get(action)?.length ?? 0;
    if (count === 0) return [];
    return action === 'NOOP' ? `${count} unchanged` : `${count} to ${PLAN_ACTIONS[action].text.toLowerCase()}`;
  });
  const rest = parts.length > 0 ? ` (${parts.join(', ')})` : '';
  const said = plan.changes > 0 ? `${plural(plan.changes, 'container')} to change` : 'Nothing to do';
  return (
    <>
      <strong>{said}</strong>
      {rest} · stack {plan.stack}, {revision}
      {plan.changes === 0 && plan.taskCount > 0 && ` · ${plural(plan.taskCount, 'task')} to check the containers`}
    </>
  );
}

function Downtime({ plan }: { plan: Plan }) {
  return (
    <div className="plan-downtime">
      <Badge tone={plan.downtimeExpected ? 'warn' : 'good'}>
        {plan.downtimeExpected ? 'Downtime expected' : 'No downtime expected'}
      </Badge>
      <ul className="small">
        {plan.downtime.map((each) => (
          <li key={each.service} className={each.expected ? 'differs' : 'muted'}>
            <span className="mono">{each.service}</span>: {each.expected ? '' : 'no downtime, '}
            {each.reason}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Warnings({ warnings, onWarning }: { warnings: Warning[]; onWarning: Props['onWarning'] }) {
  if (warnings.length === 0) return null;
  return (
    <Alert tone="warn" title={plural(warnings.length, 'warning')}>
      <ul className="warnings">
        {warnings.map((at) => (
          <li key={`${at.line}:${at.column}:${at.code}:${at.message}`}>
            {at.path !== '' && onWarning && (
              <button
                type="button"
                className="problem-place"
                aria-label={`${at.line}:${at.column}, go to line ${at.line}, column ${at.column}`}
                onClick={() => onWarning(at)}
              >
                {at.line}:{at.column}
              </button>
            )}{' '}
            {at.message} <code className="code-chip">{at.code}</code>
          </li>
        ))}
      </ul>
    </Alert>
  );
}

function PlanHost({ agent, items }: { agent: string; items: PlanItem[] }) {
  const changed = items.filter((item) => item.action !== 'NOOP').sort(byContainer);
  const same = items.filter((item) => item.action === 'NOOP').sort(byContainer);
  return (
    <section className="panel host" aria-label={`Plan for host ${agent}`}>
      <div className="host-head">
        <h3>{agent}</h3>
        <span className="muted small tabular">{plural(changed.length, 'change')}</span>
      </div>
      {changed.length > 0 && (
        <ul className="rows">
          {changed.map((item) => (
            <PlanRow key={item.containerName} item={item} />
          ))}
        </ul>
      )}
      {same.length > 0 && (
        <details className="plan-same" open={changed.length === 0 && same.length <= 5}>
          <summary className="small">{plural(same.length, 'container')} unchanged</summary>
          <ul className="rows">
            {same.map((item) => (
              <PlanRow key={item.containerName} item={item} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

const byContainer = (a: PlanItem, b: PlanItem) => byName.compare(a.containerName, b.containerName);

function PlanRow({ item }: { item: PlanItem }) {
  const action = PLAN_ACTIONS[item.action];
  return (
    <li className="plan-row">
      <Badge tone={action.tone}>{action.text}</Badge>
      <div>
        <span className="mono row-name">{item.containerName}</span>
        {item.service && item.service !== item.containerName && (
          <span className="muted small">service {item.service}</span>
        )}
      </div>
      <span className="muted small">{item.reason}</span>
      <Differences fields={item.differences} />
    </li>
  );
}

function Images({ images }: { images: Plan['images'] }) {
  if (images.length === 0) return null;
  const byImage = [...Map.groupBy(images, (each) => each.image)];
  return (
    <div className="small">
      <h3>Images come first</h3>
      <p className="muted">Every image is on its host before any container is touched.</p>
      <ul>
        {byImage.map(([image, on]) => (
          <li key={image}>
            <span className="mono">{image}</span> on {on.map((each) => each.agent).join(', ')}
          </li>
        ))}
      </ul>
    </div>
  );
}
