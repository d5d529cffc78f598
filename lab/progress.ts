import type { DeploymentView, TaskView } from './client.ts';

/** Shows a deployment, one line per task. On a terminal the lines are rewritten; elsewhere each change is printed. */
export type Progress = { show(deployment: DeploymentView): void };

const WIDTH = 20;

export function createProgress(out: NodeJS.WriteStream): Progress {
  const startedAt = Date.now();
  const printed = new Map<string, string>();
  let lines = 0;
  return {
    show({ tasks }) {
      if (out.isTTY) {
        const width = Math.max(40, out.columns ?? 80) - 1;
        out.write(
          `${lines > 0 ? `\x1b[${lines}A` : ''}${tasks.map((task) => `\x1b[2K${lineOf(task).slice(0, width)}\n`).join('')}`,
        );
        lines = tasks.length;
        return;
      }
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(6);
      for (const task of tasks) {
        const line = lineOf(task);
        if (printed.get(task.id) === line) continue;
        printed.set(task.id, line);
        out.write(`${seconds} s  ${line}\n`);
      }
    },
  };
}

function lineOf(task: TaskView): string {
  const what = (task.containerName ?? task.image ?? 'networks').padEnd(18);
  return `${task.agent.padEnd(16)} ${task.kind.padEnd(7)} ${what} ${task.status.padEnd(9)} ${detailOf(task)}`.trimEnd();
}

function detailOf(task: TaskView): string {
  if (task.error && task.status === 'FAILED') return `${task.error.code}: ${task.error.message}`;
  if (task.status === 'COMPLETED') return task.result?.action ?? '';
  const { currentBytes, totalBytes, message } = task.progress ?? {};
  if (task.status === 'RUNNING' && currentBytes != null && totalBytes) return barOf(currentBytes, totalBytes);
  if (task.status === 'RUNNING') return [task.phase?.toLowerCase(), message].filter(Boolean).join(': ');
  return task.waitingOn[0]?.message ?? '';
}

function barOf(current: number, total: number): string {
  const share = Math.min(1, current / total);
  const full = Math.round(share * WIDTH);
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${megabytes(current)}/${megabytes(total)} MB`;
}
