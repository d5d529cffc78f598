/**
 * Which packages a part of Graphium needs, and whether npm has put them into node_modules. A part is a workspace, or
 * the root with the tools of development; both are named as in package-lock.json, where the root's name is empty.
 */
import { writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { hashOf, MODULES, ROOT, readIfThere } from './files.mjs';

const TOOLS = '';
export const EVERYTHING = [TOOLS, 'agent', 'server', 'web'];
/** Only an installation of everything brings this package. */
const TOOL = 'node_modules/vitest';

const LOCKFILE = join(ROOT, 'package-lock.json');
/** npm writes down here what it installed. */
const RECORD = join(MODULES, '.package-lock.json');
/** Holds the hash of the lockfile, and the parts known to be installed as it says. */
const STAMP = join(MODULES, '.graphium-lockfile');

export function hasPackages(parts) {
  const [lockfile, ...stamped] = (readIfThere(STAMP) ?? '').split(' ');
  if (lockfile === hashOf([LOCKFILE]) && includesAll(stamped, parts)) return true;
  if (!agrees(packagesIn(RECORD), packagesIn(LOCKFILE), parts)) return false;
  stamp(parts);
  return true;
}

export function stamp(parts) {
  writeFileSync(STAMP, [hashOf([LOCKFILE]), ...parts].join(' '));
}

/** @returns the parts to install, which are those asked for and those that are installed, whatever their versions */
export function partsToInstall(parts) {
  const installed = packagesIn(RECORD);
  if (parts.includes(TOOLS) || installed[TOOL]) return EVERYTHING;
  return EVERYTHING.filter((part) => parts.includes(part) || installed[part]);
}

/** @returns npm's options for parts. Its settings could leave out what they need, or bring the root along. */
export function npmOptions(parts) {
  const kinds = ['--include=dev', '--include=optional'];
  if (parts.includes(TOOLS)) return kinds;
  return [...kinds, '--include-workspace-root=false', ...parts.flatMap((part) => ['--workspace', part])];
}

function agrees(installed, wanted, parts) {
  const hasVersion = (place) => installed[place]?.version === wanted[place].version;
  const mayBeMissing = ({ optional, devOptional, peer }) => optional || devOptional || peer;
  return (
    (installed[TOOL] || !parts.includes(TOOLS)) &&
    needsOf(parts, wanted).every((place) => (installed[place] ? hasVersion(place) : mayBeMissing(wanted[place]))) &&
    Object.keys(installed).every((place) => wanted[place] !== undefined)
  );
}

/** @returns the places of the parts and of all the packages that they need, but for those that are only peers */
function needsOf(parts, packages) {
  const places = new Set(parts);
  // A Set also hands out what is added to it meanwhile.
  for (const place of places) {
    const { dependencies, devDependencies, optionalDependencies } = packages[place];
    for (const name of Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      const needed = placeOf(name, place, packages);
      if (packages[needed]) places.add(needed);
    }
  }
  places.delete(TOOLS);
  return [...places];
}

/** Finds a package as Node does, in the nearest node_modules on the way up. */
function placeOf(name, from, packages) {
  let folder = from;
  while (!['', '.'].includes(folder) && !packages[`${folder}/node_modules/${name}`]) folder = posix.dirname(folder);
  return posix.join(folder, 'node_modules', name);
}

function packagesIn(path) {
  return JSON.parse(readIfThere(path) ?? '{}').packages ?? {};
}

function includesAll(all, some) {
  return some.every((one) => all.includes(one));
}
