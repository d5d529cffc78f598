import { ERROR_CODES, TASK_ERROR_CODES } from '../base/errors.ts';
import { builder, describedEnum } from './builder.ts';

/** The catalogue of error codes. The two enums are the type of no field: they only document the codes. */

describedEnum('ErrorCode', 'The codes of a request that fails, in `extensions.code` of its error.', ERROR_CODES);

describedEnum(
  'TaskErrorCode',
  'The codes that this version knows of `TaskError.code`. That field is a string, because an agent may be newer than the server.',
  TASK_ERROR_CODES,
);

const ErrorKind = describedEnum('ErrorKind', 'Where an error code appears.', {
  REQUEST: 'In `extensions.code` of an error of a request; see `ErrorCode`.',
  TASK: 'In `TaskError.code`, as the reason why a task or a deployment failed; see `TaskErrorCode`.',
});

type ErrorInfo = { kind: 'REQUEST' | 'TASK'; code: string; description: string };

const ErrorInfoType = builder.objectRef<ErrorInfo>('ErrorInfo').implement({
  description: 'An error code and what it means.',
  authScopes: { anyone: true },
  fields: (t) => ({
    kind: t.field({ type: ErrorKind, description: 'Where the code appears.', resolve: (row) => row.kind }),
    code: t.exposeString('code', { description: 'The code, such as `NOT_FOUND`. It never changes.' }),
    description: t.exposeString('description', { description: 'What the code means.' }),
  }),
});

const toErrors = (kind: ErrorInfo['kind'], texts: Record<string, string>): ErrorInfo[] =>
  Object.entries(texts).map(([code, description]) => ({ kind, code, description }));

builder.queryFields((t) => ({
  errorCodes: t.field({
    type: [ErrorInfoType],
    authScopes: { anyone: true },
    description: 'All error codes with their meaning. No token is needed.',
    resolve: () => [...toErrors('REQUEST', ERROR_CODES), ...toErrors('TASK', TASK_ERROR_CODES)],
  }),
}));
