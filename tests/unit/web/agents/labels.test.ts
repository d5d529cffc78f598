import { expect, it } from 'vitest';
import { parseLabels } from '../../../../web/agents/labels.ts';

it.each([
  ['', { labels: [] }],
  [
    'zone=cellar\n\n ssd = true ',
    {
      labels: [
        { key: 'zone', value: 'cellar' },
        { key: 'ssd', value: 'true' },
      ],
    },
  ],
  ['url=http://a?b=c', { labels: [{ key: 'url', value: 'http://a?b=c' }] }],
  ['zone', { mistake: 'Line 1: write a label as key=value.' }],
  ['a=1\n=2', { mistake: 'Line 2: write a label as key=value.' }],
  ['a=1\na=2', { mistake: 'Line 2: a occurs twice.' }],
])('labels %j', (text, expected) => expect(parseLabels(text)).toEqual(expected));
