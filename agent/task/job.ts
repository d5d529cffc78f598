/** Reads a task as it arrives: its spec is checked here and nowhere else. */
import type { AgentTask } from '../base/outcome.ts';
import type { Job } from '../decide/decision.ts';
import { TaskError } from '../docker/errors.ts';
import { dockerName, taskSpecs } from '../docker/shapes/spec.ts';

/** Throws a TaskError SPEC_UNSUPPORTED. */
export function toJob({ id, kind, stack, containerName, spec }: AgentTask): Job {
  const parsed = taskSpecs[kind]?.safeParse(spec);
  if (!parsed?.success) {
    const issue = parsed?.error.issues[0];
    const where = issue?.path.join('.');
    const what = issue ? `${where ? `${where}: ` : ''}${issue.message}` : `task kind ${kind} is not known`;
    throw new TaskError({
      code: 'SPEC_UNSUPPORTED',
      message: `This agent does not understand the task (${what}). Update the agent.`,
    });
  }
  const base = { taskId: id, stack };
  switch (kind) {
    case 'PULL':
      return { ...base, kind, ...taskSpecs.PULL.parse(spec) };
    case 'CLEAN':
      return { ...base, kind, ...taskSpecs.CLEAN.parse(spec) };
    case 'STOP':
      return { ...base, kind, name: toName(kind, containerName), keep: taskSpecs.STOP.parse(spec).keep };
    case 'DELETE':
      return { ...base, kind, name: toName(kind, containerName), upTo: taskSpecs.DELETE.parse(spec).upTo };
    default: {
      const deploy = taskSpecs[kind].parse(spec);
      return { ...base, kind, name: deploy.container.name, deploy };
    }
  }
}

function toName(kind: AgentTask['kind'], containerName: string | null): string {
  const name = dockerName.safeParse(containerName);
  if (name.success) return name.data;
  throw new TaskError({ code: 'SPEC_UNSUPPORTED', message: `${kind} of a container without a proper name.` });
}
