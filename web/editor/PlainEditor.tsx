import { useImperativeHandle, useRef } from 'react';
import type { CodeEditorProps } from './CodeEditor.tsx';

/** Stands in where the real editor cannot be loaded, for example because the server has a newer page by now. */
export function PlainEditor({ ref, label, hint, text, onChange }: CodeEditorProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => ({
    select(line) {
      const element = area.current;
      if (!element) return;
      const lines = element.value.split('\n');
      const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
      element.focus();
      element.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    },
  }));
  return (
    <textarea
      ref={area}
      aria-label={label}
      className="mono"
      rows={20}
      wrap="off"
      spellCheck={false}
      placeholder={hint}
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
