/** What the agent asks of the server: the typed documents, and a function for each. No other file knows the schema. */
import type { initGraphQLTada, ResultOf, VariablesOf } from 'gql.tada';
import type { DocumentNode } from 'graphql';
import { parse } from 'graphql/language/parser.js';
import { print } from 'graphql/language/printer.js';
import type { introspection } from '../../graphql-env.d.ts';
import type { ApiError, Transport, Wire } from './wire.ts';

type Tada = typeof initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string; JSON: unknown };
  disableMasking: true;
}>;

/** gql.tada gives the types only: its package brings the TypeScript compiler, which a host has no use for. */
const graphql = ((text: string, fragments: readonly DocumentNode[] = []): DocumentNode => {
  const document = parse(text);
  return { ...document, definitions: [document, ...fragments].flatMap(({ definitions }) => definitions) };
}) as ReturnType<Tada>;

const PendingTaskFields = graphql(`
  fragment PendingTaskFields on PendingTask {
    id
    kind
    status
    attempt
    stack
    containerName
    priority
    cancelRequested
  }
`);

const EnrollAgent = graphql(`
  mutation EnrollAgent($name: String!, $labels: [LabelInput!], $secret: String!) {
    enrollAgent(name: $name, labels: $labels, secret: $secret) {
      agentId
      name
      secret
    }
  }
`);

const OpenSession = graphql(`
  mutation OpenSession($input: SessionInput!) {
    openSession(input: $input) {
      epoch
      clusterId
      agentName
      leaseSeconds
      labels {
        key
        value
      }
      adopted
    }
  }
`);

const PendingTasksStream = graphql(
  `
    subscription PendingTasksStream($epoch: Int!) {
      pendingTasks(epoch: $epoch) {
        ...PendingTaskFields
      }
    }
  `,
  [PendingTaskFields],
);

const PendingTasksPoll = graphql(
  `
    query PendingTasksPoll($epoch: Int!) {
      pendingTasks(epoch: $epoch) {
        ...PendingTaskFields
      }
    }
  `,
  [PendingTaskFields],
);

const StartTasks = graphql(
  `
    mutation StartTasks($epoch: Int!, $ids: [ID!]!) {
      startTasks(epoch: $epoch, ids: $ids) {
        ...PendingTaskFields
        spec
        variables
      }
    }
  `,
  [PendingTaskFields],
);

const ReportTasks = graphql(`
  mutation ReportTasks($epoch: Int!, $reports: [TaskReport!]!) {
    reportTasks(epoch: $epoch, reports: $reports) {
      taskId
      outcome
    }
  }
`);

const ReportEngine = graphql(`
  mutation ReportEngine($epoch: Int!, $engine: EngineInput, $problem: String) {
    reportEngine(epoch: $epoch, engine: $engine, problem: $problem)
  }
`);

const ReportContainers = graphql(`
  mutation ReportContainers($epoch: Int!, $containers: [ContainerReport!]!, $others: [ID!]!) {
    reportContainers(epoch: $epoch, containers: $containers, others: $others)
  }
`);

const ReportForeignContainers = graphql(`
  mutation ReportForeignContainers($epoch: Int!, $names: [String!]!) {
    reportForeignContainers(epoch: $epoch, names: $names)
  }
`);

/** Without its spec: a set of tasks with all their configs could be larger than any message. */
export type PendingTask = ResultOf<typeof PendingTasksPoll>['pendingTasks'][number];
export type StartedTask = ResultOf<typeof StartTasks>['startTasks'][number];
export type AgentSession = ResultOf<typeof OpenSession>['openSession'];
export type SessionInput = VariablesOf<typeof OpenSession>['input'];
export type TaskReport = VariablesOf<typeof ReportTasks>['reports'][number];
export type TaskReportResult = ResultOf<typeof ReportTasks>['reportTasks'][number];
export type ContainerReport = VariablesOf<typeof ReportContainers>['containers'][number];
export type Enrollment = VariablesOf<typeof EnrollAgent>;
export type AgentCredential = ResultOf<typeof EnrollAgent>['enrollAgent'];

type TypedDocument<Result, Variables> = DocumentNode & { __apiType?: (variables: Variables) => Result };

/** Every operation rejects with ApiError. */
export type Api = {
  readonly transport: Transport;
  readonly closed: Promise<ApiError>;
  openSession(input: SessionInput): Promise<AgentSession>;
  startTasks(epoch: number, ids: string[]): Promise<StartedTask[]>;
  reportTasks(epoch: number, reports: TaskReport[]): Promise<TaskReportResult[]>;
  reportEngine(epoch: number, news: Pick<SessionInput, 'engine' | 'engineProblem'>): Promise<void>;
  reportContainers(epoch: number, containers: ContainerReport[], others: string[]): Promise<void>;
  reportForeignContainers(epoch: number, names: string[]): Promise<void>;
  pendingTasks(epoch: number): Promise<PendingTask[]>;
  /** Calls `next` with the complete set each time. Whatever ends the subscription also ends the connection. */
  watchPendingTasks(epoch: number, next: (tasks: PendingTask[]) => void): void;
  close(): void;
  leave(): Promise<void>;
};

export function createApi(wire: Wire): Api {
  const { transport, closed } = wire;
  return {
    transport,
    closed,
    close: () => wire.close(),
    leave: () => wire.leave(),
    openSession: async (input) => (await ask(wire, OpenSession, { input })).openSession,
    startTasks: async (epoch, ids) => (await ask(wire, StartTasks, { epoch, ids })).startTasks,
    reportTasks: async (epoch, reports) => (await ask(wire, ReportTasks, { epoch, reports })).reportTasks,
    reportEngine: async (epoch, { engine, engineProblem }) => {
      await ask(wire, ReportEngine, { epoch, engine, problem: engineProblem });
    },
    reportContainers: async (epoch, containers, others) => {
      await ask(wire, ReportContainers, { epoch, containers, others });
    },
    reportForeignContainers: async (epoch, names) => {
      await ask(wire, ReportForeignContainers, { epoch, names });
    },
    pendingTasks: async (epoch) => (await ask(wire, PendingTasksPoll, { epoch })).pendingTasks,
    watchPendingTasks: (epoch, next) =>
      wire.subscribe(textOf(PendingTasksStream), { epoch }, (data) =>
        next((data as ResultOf<typeof PendingTasksStream>).pendingTasks),
      ),
  };
}

/** `wire` must carry the join token. */
export async function enrollAgent(wire: Wire, enrollment: Enrollment): Promise<AgentCredential> {
  return (await ask(wire, EnrollAgent, enrollment)).enrollAgent;
}

async function ask<Result, Variables>(
  wire: Wire,
  document: TypedDocument<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  return (await wire.request(textOf(document), variables)) as Result;
}

const texts = new WeakMap<DocumentNode, string>();

function textOf(document: DocumentNode): string {
  const text = texts.get(document) ?? print(document);
  texts.set(document, text);
  return text;
}
