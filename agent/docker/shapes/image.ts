/** Pure: reads the names of images as `docker pull` does. */

export type ImageName = {
  /** Is 'docker.io' unless the name begins with a host. */
  registry: string;
  /** Begins with 'library/' for Docker's own images. */
  repository: string;
  /** Follows the name: a tag ('latest' if none is given) or a digest ('sha256:...'). */
  reference: string;
};

export function toImageName(image: string): ImageName {
  const [name = '', digest] = image.split('@', 2);
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  const path = tagged ? name.slice(0, colon) : name;
  const reference = digest ?? (tagged ? name.slice(colon + 1) : 'latest');
  const [first = '', ...rest] = path.split('/');
  const named = rest.length > 0 && isRegistry(first);
  const registry = named && first !== 'index.docker.io' ? first : 'docker.io';
  const repository = named ? rest.join('/') : path;
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
    reference,
  };
}

/** Newer engines take a first part with capitals for a registry too, as github.com/distribution/reference does. */
export const isRegistry = (first: string): boolean =>
  first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();

/** Compares only the parts that both the platform and the image state. */
export function fitsPlatform(
  image: { Os?: string; Architecture?: string; Variant?: string },
  platform: string | undefined,
): boolean {
  const [os, arch, variant] = (platform ?? '').toLowerCase().split('/');
  const fits = (asked: string | undefined, is: string | undefined) => !asked || !is || asked === is.toLowerCase();
  return (
    fits(os, image.Os) && fits(arch && (ARCH_ALIASES[arch] ?? arch), image.Architecture) && fits(variant, image.Variant)
  );
}

/** Docker itself understands these names. */
const ARCH_ALIASES: Record<string, string> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', i386: '386' };

/** Makes the query of `POST /images/create`. It always has a tag, because Docker would otherwise pull every tag. */
export function toPullQuery(image: string): { fromImage: string; tag: string } {
  const { registry, repository, reference } = toImageName(image);
  const fromImage = registry === 'docker.io' ? repository.replace(/^library\//, '') : `${registry}/${repository}`;
  return { fromImage, tag: reference };
}
