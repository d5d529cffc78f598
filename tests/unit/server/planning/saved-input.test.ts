import { describe, expect, test } from 'vitest';
import { plan as planInput } from '../../../../server/planning/plan.ts';
import { fromSaved, toSaved } from '../../../../server/planning/saved-input.ts';
import { allSeen, inputOf, on, toPlanInput } from '../../../support/planning/plans.ts';

const wanted = inputOf([
  ['web', 'vm1', { dependsOn: [on('db')] }],
  ['db', 'vm2'],
]);
const input = toPlanInput({
  ...wanted,
  observed: allSeen(wanted, { db: { specHash: 'old' } }),
  orphans: new Set(['vm1:x']),
});
const json = JSON.parse(JSON.stringify(toSaved(input)));

describe('a saved input', () => {
  test('is the same when it is read again, and gives the same plan', () => {
    expect(fromSaved(json)).toEqual(input);
    expect(planInput(fromSaved(json))).toEqual(planInput(input));
  });

  test('is found in an answer of the API', () => {
    expect(fromSaved({ data: { planStack: { planHash: 'x', input: json } } })).toEqual(input);
  });

  test.each([null, 3, 'text', [], {}, { data: null, errors: [{ message: 'no' }] }])('is missing in %j', (value) => {
    expect(() => fromSaved(value)).toThrow('expected the `input` of a plan');
  });
});
