import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap } from '@codemirror/lint';
import { type EditorState, type Extension, Prec, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import { theme } from './theme.ts';

export type Language = 'yaml' | 'json';

/** A message to show at a place in the text. `line` and `column` count from 1. */
export type Mark = { line: number; column: number; severity: 'error' | 'warning'; message: string; code: string };

export const toLanguage = (language: Language): Extension => (language === 'json' ? json() : yaml());

type Options = { label: string; hint: string; onChange: (text: string) => void; onRun: () => void };

/** Tab leaves the editor, as it does everywhere on the page; Ctrl-] and Ctrl-[ change the indentation. */
export function toExtensions({ label, hint, onChange, onRun }: Options): Extension[] {
  const run = () => {
    onRun();
    return true;
  };
  return [
    lineNumbers(),
    lintGutter(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    history(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of('  '),
    bracketMatching(),
    placeholder(hint),
    Prec.high(keymap.of([{ key: 'Mod-Enter', run }])),
    keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    EditorView.contentAttributes.of({
      'aria-label': label,
      'data-gramm': 'false',
      autocapitalize: 'off',
      spellcheck: 'false',
      // It is editable and so has the focus anyway; to tools that look for what a keyboard can scroll, only this says so.
      tabindex: '0',
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
    EditorView.domEventHandlers({
      // The page as a whole handles a dropped file, which replaces the text.
      drop: (event) => event.dataTransfer?.types.includes('Files') ?? false,
      beforeinput: typeOver,
    }),
    theme,
  ];
}

/**
 * Replaces the selected text itself: Chromium would keep the colours of the replaced text in style attributes, which the
 * page's content security policy refuses.
 */
function typeOver(event: InputEvent, view: EditorView): boolean {
  if (event.inputType !== 'insertText' || event.data === null || event.isComposing) return false;
  const range = findSelected(view);
  if (!range) return false;
  const { from, to } = range;
  const insert = view.state.toText(event.data);
  event.preventDefault();
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor: from + insert.length },
    userEvent: 'input.type',
    scrollIntoView: true,
  });
  return true;
}

/** Returns the selection in the document, which the editor may not know yet, or else the one that the editor knows. */
function findSelected(view: EditorView): { from: number; to: number } | null {
  // Only Chromium has this method on shadow roots, and only Chromium adds style attributes.
  const selection = (view.root as Partial<Document>).getSelection?.();
  if (selection?.anchorNode && selection.focusNode && view.contentDOM.contains(selection.anchorNode)) {
    const anchor = view.posAtDOM(selection.anchorNode, selection.anchorOffset);
    const focus = view.posAtDOM(selection.focusNode, selection.focusOffset);
    if (anchor !== focus) return { from: Math.min(anchor, focus), to: Math.max(anchor, focus) };
  }
  const { from, to, empty } = view.state.selection.main;
  return empty ? null : { from, to };
}

/** Returns the position of a line and column in the text, or the nearest one if the text is shorter. */
export function toPosition(doc: Text, line: number, column: number): number {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return Math.min(at.from + Math.max(column, 1) - 1, at.to);
}

export function toDiagnostics({ doc }: EditorState, marks: readonly Mark[]): Diagnostic[] {
  return marks.map(({ line, column, severity, message, code }) => {
    const from = toPosition(doc, line, column);
    const rest = doc.sliceString(from, doc.lineAt(from).to);
    const [word = ''] = /^("[^"]*"|[^\s,:\]}]+)/.exec(rest) ?? [];
    return { from, to: from + word.length, severity, message, source: code };
  });
}
