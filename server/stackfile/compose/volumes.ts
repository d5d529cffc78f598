/** `volumes` at the top level of a Compose file (compose-spec, 07-volumes.md). */

import type { VolumeSpec } from '../../spec/spec.ts';
import { findResourceNameProblem } from '../names.ts';
import { quote } from '../problems.ts';
import { compact, orAbsent } from './compact.ts';
import { type Declaration, readDeclaration, readDeclarations, readIdentity, readLabels } from './declared.ts';
import type { ComposeFields, ComposeReader } from './reader.ts';

const KEYS = ['name', 'driver', 'driver_opts', 'external', 'labels'];

export function readVolumes(value: ComposeReader, stack: string): Map<string, VolumeSpec> {
  const volumes = new Map<string, VolumeSpec>();
  const hostNames = new Map<string, string>();
  for (const declaration of readDeclarations(value, 'volumes by their names')) {
    const spec = readVolume(declaration, stack);
    if (!spec) continue;
    const other = hostNames.get(spec.name);
    if (other !== undefined) {
      const message = `expected another "name" than that of ${quote(other)}: on the host they would be one volume`;
      declaration.report('DUPLICATE_NAME', message);
    }
    hostNames.set(spec.name, declaration.key);
    volumes.set(declaration.key, spec);
  }
  return volumes;
}

function readVolume(declaration: Declaration, stack: string): VolumeSpec | undefined {
  const fields = readDeclaration(declaration, KEYS, 'a volume {driver, driver_opts, external, labels, name}');
  if (!fields) return undefined;
  const { name, external } = readIdentity(stack, declaration, fields);
  if (external) return { name, external };
  return compact<VolumeSpec>({
    name,
    driver: readDriver(fields.get('driver')),
    driverOptions: orAbsent(readDriverOptions(fields)),
    labels: orAbsent(readLabels(fields.get('labels'))),
  });
}

/** A bind mount that is dressed as a volume needs a path of the host: nothing lies beside the Compose file there. */
function readDriverOptions(fields: ComposeFields): Record<string, string> | undefined {
  const value = fields.get('driver_opts');
  const options = value.options();
  const { type, o = '', device } = options ?? {};
  const isBind = type === 'none' || o.split(',').some((one) => one === 'bind' || one === 'rbind');
  if (isBind && device !== undefined && !device.startsWith('/')) {
    value.report('INVALID_VALUE', `expected an absolute path of the host as "device", found ${quote(device)}`);
  }
  return options;
}

function readDriver(value: ComposeReader): string | undefined {
  const driver = value.text('the name of a driver');
  if (driver === undefined) return undefined;
  // A plugin is named like an image: vieux/sshfs:latest.
  const isGood = driver.split(/[/:]/).every((part) => !findResourceNameProblem(part));
  return isGood ? driver : value.misread('a volume driver such as local');
}
