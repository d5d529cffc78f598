import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { newKey } from '../key.ts';
import { Alert } from '../ui/Alert.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { useDenial } from '../viewer.ts';
import { DeployDialog } from './DeployDialog.tsx';
import { DropTarget } from './DropTarget.tsx';
import { readSource, type Source } from './source.ts';

type OpenDeploy = (source?: Source) => void;
const DeployContext = createContext<OpenDeploy | null>(null);

/** Opens the deploy dialog, empty or with a text. */
export function useDeploy(): OpenDeploy {
  const open = useContext(DeployContext);
  if (!open) throw new Error('useDeploy outside of DeployProvider');
  return open;
}

/** A stack file can be dropped on any screen. */
export function DeployProvider({ children }: { children: ReactNode }) {
  const denial = useDenial('OPERATOR');
  const [source, setSource] = useState<(Source & { id: string }) | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const open = useCallback<OpenDeploy>((given) => setSource({ name: null, text: '', ...given, id: newKey() }), []);
  const drop = async (files: File[]) => {
    const read = denial ? { refusal: denial } : await readSource(files);
    if ('refusal' in read) setRefusal(read.refusal);
    else open(read.source);
  };
  const closeRefusal = () => setRefusal(null);
  return (
    <DeployContext value={open}>
      {children}
      <DropTarget denial={denial} onDrop={drop} />
      {source !== null && <DeployDialog key={source.id} initial={source} onClose={() => setSource(null)} />}
      {refusal !== null && (
        <Dialog
          title="This cannot be deployed"
          onClose={closeRefusal}
          footer={<Button onClick={closeRefusal}>Close</Button>}
        >
          <Alert tone="bad" title={refusal} />
        </Dialog>
      )}
    </DeployContext>
  );
}
