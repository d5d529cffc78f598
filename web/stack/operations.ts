import { useRef } from 'react';
import { useAction } from '../action.ts';
import type { Problem } from '../errors.ts';
import { newKey } from '../key.ts';
import { navigate, toPath } from '../router.ts';
import type { IconName } from '../ui/Icon.tsx';
import type { Stack } from './documents.ts';
import { DeleteStack, RestartStack, StartStack, StopStack } from './mutations.ts';

export type OperationKind = 'STOP' | 'START' | 'RESTART' | 'DELETE';

/** The user is asked to confirm the `consequence`; an operation without one starts at once. */
export const OPERATIONS: Record<OperationKind, { text: string; icon: IconName; consequence: string | null }> = {
  STOP: {
    text: 'Stop',
    icon: 'stop',
    consequence: 'Its containers are stopped on every host, but not removed. You can start them again.',
  },
  START: { text: 'Start', icon: 'play', consequence: null },
  RESTART: {
    text: 'Restart',
    icon: 'restart',
    consequence: 'Every container is stopped and started again. It does not answer in between.',
  },
  DELETE: {
    text: 'Delete',
    icon: 'trash',
    consequence:
      'Its containers and networks are removed from every host. A host that is offline is cleaned up when it returns.',
  },
};

export function toOffered(desired: Stack['desired']): OperationKind[] {
  if (desired === 'DELETED') return ['DELETE'];
  return desired === 'STOPPED' ? ['START', 'DELETE'] : ['STOP', 'RESTART', 'DELETE'];
}

/** Sends an operation and opens its deployment. A request that is sent again carries the same idempotency key. */
export function useOperation(name: string) {
  const stop = useAction(StopStack);
  const start = useAction(StartStack);
  const restart = useAction(RestartStack);
  const remove = useAction(DeleteStack);
  const keys = useRef(new Map<string, string>());
  const send = async (kind: OperationKind, removeVolumes: boolean): Promise<Problem | null> => {
    const request = `${kind}:${removeVolumes}`;
    const idempotencyKey = keys.current.get(request) ?? newKey();
    keys.current.set(request, idempotencyKey);
    const run = () => {
      switch (kind) {
        case 'STOP':
          return stop.run({ name, idempotencyKey });
        case 'START':
          return start.run({ name, idempotencyKey });
        case 'RESTART':
          return restart.run({ name, idempotencyKey });
        case 'DELETE':
          return remove.run({ name, removeVolumes, idempotencyKey });
      }
    };
    const { data, problem } = await run();
    if (data) navigate(toPath({ screen: 'deployment', id: data.deployment.id }));
    return problem;
  };
  return { send, busy: stop.busy || start.busy || restart.busy || remove.busy };
}
