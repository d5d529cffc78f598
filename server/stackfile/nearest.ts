import { distance } from 'fastest-levenshtein';

/** Returns the candidate that differs from `word` by a few typing errors, for "did you mean". */
export function findNearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 40) return undefined;
  let nearest: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const errors = distance(word.toLowerCase(), candidate.toLowerCase());
    // With as many errors as letters, "db" would be "web".
    if (errors < Math.min(least, word.length, candidate.length)) [nearest, least] = [candidate, errors];
  }
  return nearest;
}
