/** Makes a small generator with a fixed seed, so that a failure can be repeated (mulberry32). */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Gives the text `rounds` times, each time with one to three of its bytes changed. */
export function* withChangedBytes(text: string, rounds: number): Generator<string> {
  const random = createRandom(7);
  const bytes = Buffer.from(text);
  for (let round = 0; round < rounds; round += 1) {
    const changed = Buffer.from(bytes);
    for (let flips = 1 + random(3); flips > 0; flips -= 1) changed[random(changed.length)] = random(256);
    yield changed.toString('utf8');
  }
}
