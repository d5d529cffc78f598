import { type ChangeEvent, lazy, type Ref, Suspense, useState } from 'react';
import type { CodeEditorHandle } from '../editor/CodeEditor.tsx';
import type { Mark } from '../editor/setup.ts';
import { localProblem, type Problem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Loading } from '../ui/Empty.tsx';
import { FORMATS } from '../words.ts';
import { type Format, isJson } from './format.ts';
import { readSource } from './source.ts';
import type { Draft } from './useDraft.ts';

/** The editor is larger than the rest of the page, so it is fetched only when it is shown. */
const CodeEditor = lazy(() =>
  import('../editor/CodeEditor.tsx')
    .then((module) => ({ default: module.CodeEditor }))
    .catch(async () => ({ default: (await import('../editor/PlainEditor.tsx')).PlainEditor })),
);

const CHOICES: Format[] = ['COMPOSE', 'JSONLD'];
const KINDS = '.yaml,.yml,.json,.jsonld,application/yaml,application/json,application/ld+json';

type Props = { ref: Ref<CodeEditorHandle>; draft: Draft; marks: readonly Mark[]; onRun: () => void };

/** The text of the stack file, which can be written, pasted, chosen or dropped. */
export function SourceField({ ref, draft, marks, onRun }: Props) {
  const [unreadable, setUnreadable] = useState<Problem | null>(null);
  const { source, format } = draft;
  const choose = async (event: ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.target.files ?? [])];
    event.target.value = '';
    const read = await readSource(files);
    setUnreadable('refusal' in read ? localProblem('FILE', read.refusal) : null);
    if ('source' in read) draft.replace(read.source);
  };
  return (
    <div className="panel source-field">
      <div className="source-head">
        <label className="button button-plain file-button">
          Choose a file…
          <input type="file" accept={KINDS} onChange={choose} />
        </label>
        <span className="muted small">{source.name ?? 'or drop one anywhere on the page'}</span>
        {draft.startOver && (
          <button type="button" className="button button-plain" onClick={draft.startOver}>
            Start over
          </button>
        )}
        <fieldset className="segments">
          <legend className="visually-hidden">Format of the file</legend>
          {CHOICES.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={format === each}
              title={draft.isChosen ? undefined : 'Told by the text. Press to choose.'}
              onClick={() => draft.choose(each)}
            >
              {FORMATS[each]}
            </button>
          ))}
        </fieldset>
      </div>
      {unreadable && <ProblemAlert problem={unreadable} />}
      <Suspense fallback={<Loading what="the editor" />}>
        <CodeEditor
          ref={ref}
          label="Stack file"
          hint="Paste a Compose file or a Graphium JSON-LD stack here, or choose a file above."
          text={source.text}
          version={source.id}
          language={isJson(source.text) ? 'json' : 'yaml'}
          marks={marks}
          onChange={draft.edit}
          onRun={onRun}
        />
      </Suspense>
    </div>
  );
}
