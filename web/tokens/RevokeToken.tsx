import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { toast } from '../ui/Toasts.tsx';
import { RevokeToken, type Token } from './documents.ts';

type Props = { token: Token; own: boolean; onClose: () => void };

export function RevokeTokenDialog({ token, own, onClose }: Props) {
  const action = useAction(RevokeToken);
  const confirm = async () => {
    const { data } = await action.run({ id: token.id });
    if (!data) return;
    toast('good', `Token ${token.name} was revoked.`);
    onClose();
  };
  return (
    <Dialog
      title={`Revoke ${token.name}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} data-first>
            Cancel
          </Button>
          <Button look="danger" busy={action.busy} onClick={confirm}>
            Revoke
          </Button>
        </>
      }
    >
      <p>Everyone who uses it loses access at once, and its open connections are closed. This cannot be undone.</p>
      {own && <p className="differs">This is the token you are signed in with: you will be signed out.</p>}
      {action.problem && <ProblemAlert problem={action.problem} />}
    </Dialog>
  );
}
