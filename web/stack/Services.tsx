import { useMemo, useState } from 'react';
import { useAction } from '../action.ts';
import { PlanDialog } from '../plan/PlanDialog.tsx';
import { Button } from '../ui/Button.tsx';
import { Field } from '../ui/Field.tsx';
import { useDenial } from '../viewer.ts';
import type { Revision, Stack } from './documents.ts';
import { RestartStack, ScaleStack } from './mutations.ts';
import { type Service, toServices } from './services.ts';

/** Shows how many containers each service has. A service can be scaled, or restarted on its own. */
export function Services({ stack, revisions }: { stack: Stack; revisions: readonly Revision[] }) {
  const denial = useDenial('OPERATOR') ?? (stack.desired === 'DELETED' ? 'It is being deleted.' : null);
  const [asking, setAsking] = useState<{ what: 'scale' | 'restart'; service: Service } | null>(null);
  const services = toServices(stack, revisions);
  if (services.length === 0) return null;
  const close = () => setAsking(null);
  return (
    <section aria-labelledby="services-title">
      <h2 id="services-title">Services</h2>
      <ul className="panel rows">
        {services.map((service) => (
          <li key={service.name} className="service-row">
            <span className="mono row-name">{service.name}</span>
            <span className="tabular">
              {(service.running > 0 || service.finished === 0) && (
                <>
                  <strong>{service.running}</strong>/{service.wanted - service.finished}{' '}
                  <span className="muted">running</span>
                </>
              )}
              {service.finished > 0 && (
                <span className="muted">
                  {service.running > 0 && ', '}
                  {service.finished} finished
                </span>
              )}
              {service.unknown > 0 && <span className="differs">, {service.unknown} unknown</span>}
            </span>
            <span className="actions actions-end">
              <Button
                reason={denial}
                aria-label={`Scale ${service.name}…`}
                onClick={() => setAsking({ what: 'scale', service })}
              >
                Scale…
              </Button>
              <Button
                reason={denial ?? (service.wanted === 0 ? 'It has no containers.' : null)}
                aria-label={`Restart ${service.name}…`}
                onClick={() => setAsking({ what: 'restart', service })}
              >
                Restart…
              </Button>
            </span>
          </li>
        ))}
      </ul>
      {asking?.what === 'scale' && <Scale stack={stack.name} service={asking.service} onClose={close} />}
      {asking?.what === 'restart' && <Restart stack={stack.name} service={asking.service.name} onClose={close} />}
    </section>
  );
}

const MOST_REPLICAS = 1_000;

function Scale({ stack, service, onClose }: { stack: string; service: Service; onClose: () => void }) {
  const [text, setText] = useState(String(service.wanted));
  const action = useAction(ScaleStack);
  const replicas = /^\d{1,4}$/.test(text) && Number(text) <= MOST_REPLICAS ? Number(text) : null;
  const what = useMemo(
    () => (replicas === null ? null : { name: stack, service: service.name, replicas }),
    [stack, service.name, replicas],
  );
  return (
    <PlanDialog
      title={`Scale ${service.name}`}
      operation={useMemo(() => what && { scale: what }, [what])}
      verb="Scale"
      withOnFailure
      send={(options) => action.run({ ...(what ?? { name: stack, service: service.name, replicas: 0 }), options })}
      onClose={onClose}
    >
      <Field
        label="Number of containers"
        hint={replicas === null ? `A whole number from 0 to ${MOST_REPLICAS}.` : `It has ${service.wanted} now.`}
      >
        {({ id, hintId }) => (
          <input
            id={id}
            data-first
            type="number"
            min={0}
            max={MOST_REPLICAS}
            aria-describedby={hintId}
            aria-invalid={replicas === null || undefined}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
    </PlanDialog>
  );
}

function Restart({ stack, service, onClose }: { stack: string; service: string; onClose: () => void }) {
  const action = useAction(RestartStack);
  const what = useMemo(() => ({ name: stack, services: [service] }), [stack, service]);
  return (
    <PlanDialog
      title={`Restart ${service}`}
      operation={useMemo(() => ({ restart: what }), [what])}
      verb="Restart"
      send={(options) => action.run({ ...what, options })}
      onClose={onClose}
    />
  );
}
