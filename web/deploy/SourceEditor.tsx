import { type Ref, useImperativeHandle, useRef, useState } from 'react';
import { lineRange } from './source.ts';

export type SourceEditorHandle = { select(line: number, column: number | null): void };

type Props = {
  ref: Ref<SourceEditorHandle>;
  id: string;
  describedBy: string | undefined;
  text: string;
  badLines: number[];
  onChange: (text: string) => void;
};

/** Must equal the line height of `.editor` in ui.css, in pixels: line numbers and marks are placed by it. */
const LINE_PX = 18;

/** A plain text area with line numbers; lines with problems are marked. */
export function SourceEditor({ ref, id, describedBy, text, badLines, onChange }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [scrollPx, setScrollPx] = useState(0);
  useImperativeHandle(ref, () => ({
    select(line) {
      const element = area.current;
      if (!element) return;
      const { start, end } = lineRange(element.value, line);
      element.focus();
      element.setSelectionRange(start, end);
      element.scrollTop = Math.max(0, (line - 4) * LINE_PX);
      element.scrollLeft = 0;
    },
  }));
  const lines = text.split(/\r\n|\n|\r/).length;
  return (
    <div className="editor">
      <div className="editor-gutter" aria-hidden="true">
        <div style={{ transform: `translateY(${-scrollPx}px)` }}>
          {badLines.map((line) => (
            <span key={line} className="editor-mark" style={{ insetBlockStart: `${(line - 1) * LINE_PX}px` }} />
          ))}
          <pre>{Array.from({ length: lines }, (_, index) => index + 1).join('\n')}</pre>
        </div>
      </div>
      <textarea
        ref={area}
        id={id}
        data-first
        aria-describedby={describedBy}
        aria-invalid={badLines.length > 0 || undefined}
        className="mono"
        wrap="off"
        spellCheck={false}
        autoComplete="off"
        placeholder="Paste a Graphium JSON-LD stack here, or choose a file above."
        value={text}
        onScroll={(event) => setScrollPx(event.currentTarget.scrollTop)}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
