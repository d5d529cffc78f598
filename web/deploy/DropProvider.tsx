import { type ReactNode, useState } from 'react';
import { Alert } from '../ui/Alert.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { useDenial } from '../viewer.ts';
import { DropTarget } from './DropTarget.tsx';
import { handOver } from './handover.ts';
import { readSource } from './source.ts';

/** Lets a stack file be dropped on any screen. */
export function DropProvider({ children }: { children: ReactNode }) {
  const denial = useDenial('OPERATOR');
  const [refusal, setRefusal] = useState<string | null>(null);
  const drop = async (files: File[]) => {
    const read = denial ? { refusal: denial } : await readSource(files);
    if ('refusal' in read) setRefusal(read.refusal);
    else handOver(read.source);
  };
  const close = () => setRefusal(null);
  return (
    <>
      {children}
      <DropTarget denial={denial} onDrop={drop} />
      {refusal !== null && (
        <Dialog title="This cannot be deployed" onClose={close} footer={<Button onClick={close}>Close</Button>}>
          <Alert tone="bad" title={refusal} />
        </Dialog>
      )}
    </>
  );
}
