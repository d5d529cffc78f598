import { isolateHistory } from '@codemirror/commands';
import { setDiagnostics } from '@codemirror/lint';
import { Compartment } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useLayoutEffect, useRef } from 'react';
import { type Language, type Mark, toDiagnostics, toExtensions, toLanguage, toPosition } from './setup.ts';

export type CodeEditorHandle = { select(line: number, column: number): void };

export type CodeEditorProps = {
  ref: Ref<CodeEditorHandle>;
  label: string;
  hint: string;
  /** The text to start with. A later change takes effect only when `version` changes too. */
  text: string;
  version: string;
  language: Language;
  marks: readonly Mark[];
  onChange: (text: string) => void;
  /** Ctrl-Enter. */
  onRun: () => void;
};

/**
 * CodeMirror in a shadow root, where it puts its styles into a constructed style sheet. In the document itself it would
 * add a style element, which the page's content security policy refuses.
 */
export function CodeEditor({ ref, label, hint, text, version, language, marks, onChange, onRun }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const languages = useRef(new Compartment());
  const changed = useEffectEvent(onChange);
  const run = useEffectEvent(onRun);
  const create = useEffectEvent((element: HTMLDivElement) => {
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    return new EditorView({
      doc: text,
      extensions: [
        languages.current.of(toLanguage(language)),
        toExtensions({ label, hint, onChange: (now) => changed(now), onRun: () => run() }),
      ],
      parent: root,
      root,
    });
  });
  useLayoutEffect(() => {
    if (!host.current) return;
    const created = create(host.current);
    view.current = created;
    return () => created.destroy();
  }, []);
  useEffect(() => {
    view.current?.dispatch({ effects: languages.current.reconfigure(toLanguage(language)) });
  }, [language]);
  const replace = useEffectEvent((): void => {
    const { current } = view;
    if (!current || current.state.doc.toString() === text) return;
    current.dispatch({
      changes: { from: 0, to: current.state.doc.length, insert: text },
      selection: { anchor: 0 },
      annotations: isolateHistory.of('full'),
    });
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version means that the text must be taken
  useEffect(() => replace(), [version]);
  useEffect(() => {
    const { current } = view;
    if (current) current.dispatch(setDiagnostics(current.state, toDiagnostics(current.state, marks)));
  }, [marks]);
  useImperativeHandle(ref, () => ({
    select(line, column) {
      const { current } = view;
      if (!current) return;
      const anchor = toPosition(current.state.doc, line, column);
      const head = current.state.doc.lineAt(anchor).to;
      current.dispatch({ selection: { anchor, head }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
      current.focus();
      host.current?.scrollIntoView({ block: 'nearest' });
    },
  }));
  return <div ref={host} className="code-editor" />;
}
