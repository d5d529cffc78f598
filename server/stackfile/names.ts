/** Which names Docker and Graphium take. `findXProblem` says what was expected, or gives undefined for a good name. */
import { PREVIOUS_SUFFIX } from '../spec/names.ts';

const RESERVED_LABELS = ['graphium.', 'com.docker.compose.'];
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const NAME_RULE = 'letters, digits, "_", "." and "-", starting with a letter or digit';

export function findStackNameProblem(name: string): string | undefined {
  return findNameProblem(name, 1, 63);
}

/** Docker takes no container name of one character. */
export function findContainerNameProblem(name: string): string | undefined {
  if (name.endsWith(PREVIOUS_SUFFIX)) return `expected a name that does not end with ${PREVIOUS_SUFFIX} (reserved)`;
  return findNameProblem(name, 2, 128);
}

/** For networks, volumes and hosts. */
export function findResourceNameProblem(name: string): string | undefined {
  return findNameProblem(name, 1, 128);
}

function findNameProblem(name: string, min: number, max: number): string | undefined {
  if (name.length >= min && name.length <= max && NAME.test(name)) return undefined;
  return `expected ${min} to ${max} characters: ${NAME_RULE}`;
}

export function findEnvironmentNameProblem(name: string): string | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) return undefined;
  return 'expected a variable name: letters, digits, "_", "." and "-", starting with a letter or "_"';
}

export function findLabelProblem(key: string): string | undefined {
  if (key === '') return 'expected a label name, found none';
  const reserved = RESERVED_LABELS.find((prefix) => key.startsWith(prefix));
  return reserved && `expected a label that does not start with ${reserved} (reserved)`;
}

const DOMAIN_WORD = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = new RegExp(`^(?:${DOMAIN_WORD}(?:\\.${DOMAIN_WORD})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;

/**
 * Follows Docker's grammar for references, `[domain[:port]/]path[:tag][@digest]`, and the rules of its normalisation on
 * what counts as a domain and against 64 hex digits as a name (github.com/distribution/reference, `normalize.go`).
 */
export function findImageProblem(reference: string): string | undefined {
  if (/^[a-f0-9]{64}$/.test(reference)) return 'expected an image name, found a bare image id';
  const at = reference.indexOf('@');
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const { domain, rest } = splitDomain(at < 0 ? reference : reference.slice(0, at));
  const colon = rest.indexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);

  if (domain !== undefined && !DOMAIN.test(domain)) return `expected a registry as host[:port], found "${domain}"`;
  if (path === '') return 'expected an image name such as nginx:alpine';
  if (path !== path.toLowerCase()) return 'expected a lower-case image name';
  const hasGoodPath = path.split('/').every((part) => PATH.test(part));
  if (!hasGoodPath)
    return 'expected an image name of lower-case letters and digits, separated by ".", "_", "__", "-" or "/"';
  if (fullNameLength(domain, path) > 255) return 'expected an image name of at most 255 characters';
  if (tag !== undefined && !TAG.test(tag)) return 'expected a tag of at most 128 letters, digits, "_", "." and "-"';
  if (digest !== undefined && !DIGEST.test(digest)) return 'expected a digest such as sha256:<64 hex digits>';
  return undefined;
}

/** `a/b` is a path on the default registry, but `a.b/c`, `a:1/c`, `localhost/c` and `A/c` begin with a registry. */
function splitDomain(name: string): { domain: string | undefined; rest: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  return isDomain ? { domain: first, rest: name.slice(slash + 1) } : { domain: undefined, rest: name };
}

/** Docker measures the name with the default registry written out. */
function fullNameLength(domain: string | undefined, path: string): number {
  const prefix = domain === undefined ? (path.includes('/') ? 'docker.io' : 'docker.io/library') : domain;
  return prefix.length + 1 + path.length;
}
