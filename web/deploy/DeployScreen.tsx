import { useState } from 'react';
import { useQuery } from 'urql';
import { toProblem } from '../errors.ts';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { toPath } from '../router.ts';
import { Empty, Loading } from '../ui/Empty.tsx';
import { useDenial } from '../viewer.ts';
import { DeployForm } from './DeployForm.tsx';
import { CurrentFile, RevisionFile, type StackFile } from './documents.ts';
import { handover } from './handover.ts';
import type { Start } from './useDraft.ts';

type Props = { stack: string | null; revision: number | null; adopt?: boolean };

const STACKS = { to: '/', text: 'Stacks' };

/** Deploys a new stack or another revision of an existing one, or adopts containers into a stack. */
export function DeployScreen({ stack, revision, adopt = false }: Props) {
  const denial = useDenial('OPERATOR');
  const title = stack === null ? 'Deploy a stack' : adopt ? `Adopt ${stack}` : `Change ${stack}`;
  const back = stack === null || adopt ? STACKS : { to: toPath({ screen: 'stack', name: stack }), text: stack };
  return (
    <Page title={title} back={back}>
      {denial !== null && <Empty title={denial} />}
      {denial === null && stack !== null && !adopt && <Existing stack={stack} revision={revision} />}
      {denial === null && (stack === null || adopt) && <New stack={stack} adopt={adopt} />}
    </Page>
  );
}

const NO_NAMES: readonly string[] = [];

function New({ stack, adopt }: { stack: string | null; adopt: boolean }) {
  return (
    <>
      {adopt && (
        <p className="muted">
          Containers of a stack named {stack} are running, but Graphium does not have its file. Enter the file that they
          were created from, and Graphium adopts them without touching them.
        </p>
      )}
      <DeployForm start={{ text: '', format: null, stack, variableNames: NO_NAMES }} adopt={adopt ? stack : null} />
    </>
  );
}

/** Asks only once, so that what others deploy meanwhile does not change the text that somebody is editing. */
function Existing({ stack, revision }: { stack: string; revision: number | null }) {
  const [document] = useState(() => (revision === null ? CurrentFile : RevisionFile));
  const [{ data, error }, execute] = useQuery<{ stack: { file: StackFile | StackFile[] | null } | null }>({
    query: document as typeof CurrentFile,
    variables: { stack, ...(revision !== null && { revision }) },
  });
  if (error) return <ProblemAlert problem={toProblem(error)} again={execute} />;
  if (!data) return <Loading what="the stack file" />;
  const file = [data.stack?.file ?? []].flat()[0];
  if (!file) {
    return (
      <Empty title={revision === null ? `There is no stack named ${stack}` : `There is no revision ${revision}`} />
    );
  }
  return (
    <>
      <p className="muted">The editor starts with the file of revision {file.number}.</p>
      <DeployForm start={toStart(stack, file)} adopt={null} />
    </>
  );
}

function toStart(stack: string, { source, format, variableNames }: StackFile): Start {
  const dropped = handover.get() !== null;
  return { text: source, format: dropped ? null : format, stack, variableNames };
}
