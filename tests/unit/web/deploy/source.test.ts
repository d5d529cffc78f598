import { expect, it } from 'vitest';
import { readSource } from '../../../../web/deploy/source.ts';

it('takes one text file of a fair size', async () => {
  const file = (bytes: Uint8Array<ArrayBuffer> | string) => new File([bytes], 'stack.json');
  expect(await readSource([file('{}')])).toMatchObject({ source: { name: 'stack.json', text: '{}' } });
  for (const files of [[], [file('a'), file('b')], [file(new Uint8Array([0xff]))], [file('x'.repeat(524_289))]]) {
    expect(await readSource(files)).toHaveProperty('refusal');
  }
});
