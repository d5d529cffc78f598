import { useState } from 'react';
import { useAction } from '../action.ts';
import { newKey } from '../key.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { navigate, toPath } from '../router.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Icon } from '../ui/Icon.tsx';
import { toast } from '../ui/Toasts.tsx';
import { useDenial } from '../viewer.ts';
import { CancelDeployment, type Deployment, RetryDeployment } from './documents.ts';

export function DeploymentActions({ deployment }: { deployment: Deployment }) {
  if (deployment.status === 'RUNNING') return <Cancel deployment={deployment} />;
  if (deployment.status === 'FAILED' || deployment.status === 'CANCELLED') return <Retry id={deployment.id} />;
  if (deployment.status === 'ROLLED_BACK') return <ChangeAndDeploy deployment={deployment} />;
  return null;
}

/** A deployment that was rolled back would fail again, so this offers to change its file first. */
function ChangeAndDeploy({ deployment: { stack, revision } }: { deployment: Deployment }) {
  const denial = useDenial('OPERATOR');
  return (
    <Button look="primary" reason={denial} onClick={() => navigate(toPath({ screen: 'deploy', stack, revision }))}>
      Change its file and deploy…
    </Button>
  );
}

function Cancel({ deployment }: { deployment: Deployment }) {
  const [open, setOpen] = useState(false);
  const action = useAction(CancelDeployment);
  const denial = useDenial('OPERATOR') ?? (deployment.cancelRequestedAt ? 'It is already being cancelled.' : null);
  const close = () => {
    setOpen(false);
    action.clear();
  };
  const confirm = async () => {
    if ((await action.run({ id: deployment.id })).data) close();
  };
  return (
    <>
      <Button reason={denial} onClick={() => setOpen(true)}>
        Cancel deployment
      </Button>
      {open && (
        <Dialog
          title="Cancel this deployment?"
          onClose={close}
          footer={
            <>
              <Button onClick={close}>Keep going</Button>
              <Button look="danger" busy={action.busy} onClick={confirm} data-first>
                Cancel deployment
              </Button>
            </>
          }
        >
          <p>
            Tasks that are waiting are dropped. Tasks that are running stop at a safe point, and then say whether they
            left the new or the previous container. What is already done is kept.
          </p>
          {action.problem && <ProblemAlert problem={action.problem} />}
        </Dialog>
      )}
    </>
  );
}

function Retry({ id }: { id: string }) {
  const action = useAction(RetryDeployment);
  const [key] = useState(newKey);
  const denial = useDenial('OPERATOR');
  const retry = async () => {
    const { data, problem } = await action.run({ id, idempotencyKey: key });
    if (data) navigate(toPath({ screen: 'deployment', id: data.retryDeployment.id }));
    else toast('bad', `${problem.title}: ${problem.message}`);
  };
  return (
    <Button look="primary" busy={action.busy} reason={denial} onClick={retry}>
      <Icon name="restart" /> Retry
    </Button>
  );
}
