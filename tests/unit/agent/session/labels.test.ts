import { expect, test } from 'vitest';
import { labelWarning } from '../../../../agent/session/labels.ts';

const zone = (value: string) => ({ key: 'zone', value });

test('labels that the server has too, and those that only it has, are no reason to warn', () => {
  expect(labelWarning([], [zone('eu-1')])).toBeUndefined();
  expect(labelWarning([zone('eu-1')], [zone('eu-1'), { key: 'ssd', value: '' }])).toBeUndefined();
});

test('each label that does not count is named with what the server has, and with the way to change it', () => {
  const warning = labelWarning([zone('us-9'), { key: 'ssd', value: 'yes' }], [zone('eu-1')]);
  expect(warning).toContain('zone=us-9 (it is zone=eu-1), ssd=yes (it is not set)');
  expect(warning).toContain('setAgentLabels');
});
