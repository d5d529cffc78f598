/** `volumes` at the top level of a Compose file (compose-spec, 07-volumes.md). */

import type { VolumeSpec } from '../../spec/spec.ts';
import type { Fields } from '../fields.ts';
import { findResourceNameProblem } from '../names.ts';
import { type Field, quote, type Report, type Value } from '../text.ts';
import {
  type Context,
  readDeclaration,
  readDeclarations,
  readIdentity,
  readOptions,
  readOwnLabels,
} from './declared.ts';
import { compact, orAbsent } from './keys.ts';
import { misread, readText } from './scalars.ts';

export function readVolumes(context: Context, value: Value | undefined): Map<string, VolumeSpec> {
  const volumes = new Map<string, VolumeSpec>();
  const hostNames = new Map<string, string>();
  for (const field of readDeclarations(context.report, value, 'volumes by their names')) {
    const spec = readVolume(context, field);
    if (!spec) continue;
    const other = hostNames.get(spec.name);
    if (other !== undefined) {
      const message = `expected another "name" than that of ${quote(other)}: on the host they would be one volume`;
      context.report('DUPLICATE_NAME', field, message);
    }
    hostNames.set(spec.name, field.key);
    volumes.set(field.key, spec);
  }
  return volumes;
}

function readVolume(context: Context, field: Field): VolumeSpec | undefined {
  const { report } = context;
  const words = ['name', 'driver', 'driver_opts', 'external', 'labels'];
  const fields = readDeclaration(report, field, words, 'a volume {driver, driver_opts, external, labels, name}');
  if (!fields) return undefined;
  const { name, external } = readIdentity(context, field, fields);
  if (external) return { name, external };
  return compact<VolumeSpec>({
    name,
    driver: readDriver(report, fields),
    driverOptions: orAbsent(readOptions(report, fields.get('driver_opts'))),
    labels: orAbsent(readOwnLabels(report, fields)),
  });
}

function readDriver(report: Report, fields: Fields): string | undefined {
  const value = fields.get('driver');
  const driver = readText(report, value, 'the name of a driver');
  if (value === undefined || driver === undefined) return undefined;
  // A plugin is named like an image: vieux/sshfs:latest.
  const isGood = driver.split(/[/:]/).every((part) => !findResourceNameProblem(part));
  return isGood ? driver : misread(report, value, 'a volume driver such as local');
}
