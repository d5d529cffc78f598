import { describe, expect, test } from 'vitest';
import { ownerOnHost } from '../../../../agent/task/files.ts';

const secret = (uid: number, gid = uid) => ({ kind: 'secret' as const, name: 'db', uid, gid });
const root = { uid: 0, gid: 0 };
const me = { uid: 1000, gid: 1001 };

describe('a secret belongs on the host to', () => {
  test.each([
    ['whoever it is for, if the agent is root', secret(0), root, false, root],
    ['any user, if the agent is root', secret(33), root, false, { uid: 33, gid: 33 }],
    ['the agent, if it is for the agent', secret(1000, 1001), me, false, me],
    ['the agent, if it is for root in a rootless engine', secret(0), me, true, me],
  ])('%s', (_, file, own, isRootless, owner) => {
    expect(ownerOnHost(file, own, isRootless)).toEqual(owner);
  });

  test.each([
    ['root, where the agent is not', secret(0), me, false, /0:0, and this agent, which is not root.* 1000:1001/],
    ['another user of a rootless engine', secret(33), me, true, /only give it to 0:0/],
    ['the very number of the agent, which is another inside', secret(1000, 1001), me, true, /only give it to 0:0/],
    ['root, where only the engine is rootless', secret(0), root, true, /Run the agent as the engine's user/],
  ])('nobody, for %s', (_, file, own, isRootless, words) => {
    const error = expect.objectContaining({ code: 'SECRETS_UNSUPPORTED', message: expect.stringMatching(words) });
    expect(() => ownerOnHost(file, own, isRootless)).toThrow(expect.objectContaining({ failure: error }));
  });
});
