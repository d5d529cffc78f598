/** What the short and the long form of a Compose mount have in common. */

import { quote } from '../../problems.ts';
import type { Place } from '../../reader.ts';

export const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;
/** Hints for Docker Desktop's shared folders; no Docker engine on Linux does anything with them. */
export const CONSISTENCIES = ['consistent', 'cached', 'delegated'] as const;
export const SELINUX_WAY_OUT = 'label the directory on the host with chcon';

/** Compose resolves a relative path from the directory of its file, which no host has. */
export function checkHostPath(place: Place, path: string): boolean {
  if (path.startsWith('/')) return true;
  const wayOut =
    'the Compose file is not on the host; use a named volume, or an absolute path below a directory that `allowBindMounts` in the policy of the host names';
  place.refuse(`the relative path ${quote(path)}`, wayOut);
  return false;
}

export function checkVolumeKey(place: Place, key: string): boolean {
  if (/^[a-zA-Z0-9._-]+$/.test(key)) return true;
  const expected = 'the name of a volume, or a path that begins with "/"';
  place.report('INVALID_NAME', `expected ${expected}, found ${quote(key)}`);
  return false;
}
