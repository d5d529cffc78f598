/**
 * What a state means at a glance. good: as it should be. busy: something is in progress. warn: somebody should look at
 * it. bad: it failed. idle: nothing is happening.
 */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';
