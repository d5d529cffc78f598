import { useEffect, useEffectEvent, useState } from 'react';
import { Icon } from '../ui/Icon.tsx';

type Props = { denial: string | null; onDrop: (files: File[]) => void };

/**
 * Takes a file that is dropped anywhere on the page, and says so while one is dragged over it. It is a popover, so that
 * it lies above an open dialog.
 */
export function DropTarget({ denial, onDrop }: Props) {
  const [over, setOver] = useState(false);
  const drop = useEffectEvent(onDrop);
  useEffect(() => {
    // Every element on the way fires enter and leave; the balance says whether the pointer is still on the page.
    let depth = 0;
    const isFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const move = (change: number) => (event: DragEvent) => {
      if (!isFile(event)) return;
      event.preventDefault();
      depth = Math.max(0, depth + change);
      setOver(depth > 0);
    };
    const enter = move(1);
    const leave = move(-1);
    const hover = (event: DragEvent) => {
      if (isFile(event)) event.preventDefault();
    };
    const take = (event: DragEvent) => {
      if (!isFile(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      drop([...(event.dataTransfer?.files ?? [])]);
    };
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('dragover', hover);
    window.addEventListener('drop', take);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('dragover', hover);
      window.removeEventListener('drop', take);
    };
  }, []);
  if (!over) return null;
  return (
    <div popover="manual" ref={(element) => element?.showPopover()} className="drop-overlay" aria-hidden="true">
      <div className="drop-card">
        <Icon name={denial ? 'close' : 'upload'} />
        <p>{denial ?? 'Drop the stack file to review and deploy it'}</p>
      </div>
    </div>
  );
}
