/** Pure: names of images, as `docker pull` reads them. */

export type ImageName = {
  /** 'docker.io' unless the name begins with a host. */
  registry: string;
  /** With 'library/' for Docker's own images. */
  repository: string;
  /** What follows the name: a tag ('latest' if none is given) or a digest ('sha256:...'). */
  reference: string;
};

export function toImageName(image: string): ImageName {
  const [name = '', digest] = image.split('@', 2);
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  const path = tagged ? name.slice(0, colon) : name;
  const reference = digest ?? (tagged ? name.slice(colon + 1) : 'latest');
  const [first = '', ...rest] = path.split('/');
  const named = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  const registry = named && first !== 'index.docker.io' ? first : 'docker.io';
  const repository = named ? rest.join('/') : path;
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
    reference,
  };
}

/** What the platform leaves out is not compared, nor what the image does not say. */
export function fitsPlatform(
  image: { Os?: string; Architecture?: string; Variant?: string },
  platform: string | undefined,
): boolean {
  const [os, arch, variant] = (platform ?? '').toLowerCase().split('/');
  const fits = (asked: string | undefined, is: string | undefined) => !asked || !is || asked === is.toLowerCase();
  return (
    fits(os, image.Os) && fits(arch && (sameArch[arch] ?? arch), image.Architecture) && fits(variant, image.Variant)
  );
}

/** As Docker itself understands them. */
const sameArch: Record<string, string> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', i386: '386' };

/**
 * The query of `POST /images/create`. The tag is always there: without one Docker pulls every tag of the repository.
 */
export function toPullQuery(image: string): { fromImage: string; tag: string } {
  const { registry, repository, reference } = toImageName(image);
  const fromImage = registry === 'docker.io' ? repository.replace(/^library\//, '') : `${registry}/${repository}`;
  return { fromImage, tag: reference };
}
