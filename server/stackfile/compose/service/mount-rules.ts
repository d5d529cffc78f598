/** What the short and the long form of a Compose mount have in common. */

import { quote, type Report, type Spot } from '../../text.ts';
import { refuse } from '../keys.ts';

export const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;
/** Hints for Docker Desktop's shared folders; no Docker engine on Linux does anything with them. */
export const CONSISTENCIES = ['consistent', 'cached', 'delegated'] as const;
export const SELINUX_WAY_OUT = 'label the directory on the host with chcon';

/** Compose takes a relative path from where its file is, which no host of ours knows. */
export function checkHostPath(report: Report, spot: Spot, path: string): boolean {
  if (path.startsWith('/')) return true;
  refuse(
    report,
    spot,
    `the relative path ${quote(path)}`,
    'the Compose file is not on the host; write an absolute path',
  );
  return false;
}

export function checkVolumeKey(report: Report, spot: Spot, key: string): boolean {
  if (/^[a-zA-Z0-9._-]+$/.test(key)) return true;
  report('INVALID_NAME', spot, `expected the name of a volume, or a path that begins with "/", found ${quote(key)}`);
  return false;
}
