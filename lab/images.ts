import { createCipheriv, createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type TarEntry, toTar } from './tar.ts';

/** A blob of a registry: its digest ("sha256:…") and bytes. */
export type Blob = { digest: string; bytes: Buffer };
/** An image as a registry stores it: its manifest (schema 2) refers to the blobs by their digests. */
export type Image = { repository: string; tag: string; manifest: Buffer; blobs: Blob[] };

type Layer = Blob & { diffId: string };
type ImageConfig = {
  Cmd?: string[];
  Entrypoint?: string[];
  ExposedPorts?: Record<string, object>;
  StopSignal?: string;
};

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG_TYPE = 'application/vnd.docker.container.image.v1+json';
const LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', ia32: '386', arm: 'arm' };
const BIG_LAYERS = 4;
const BIG_LAYER_BYTES = 6 * 1024 * 1024;

/**
 * Builds the images of the lab's registry byte by byte (tar, gzip, JSON), because that needs no engine, takes a
 * fraction of a second and gives the same digests every time. `busybox` is a static busybox; `applets` are its names.
 */
export async function buildImages(busybox: Buffer, applets: string[]): Promise<Image[]> {
  const base = await toLayer([
    ...['bin', 'etc', 'root', 'usr', 'usr/bin', 'usr/sbin', 'var'].map(directory),
    { path: 'tmp', kind: 'directory', mode: 0o1777 },
    {
      path: 'etc/passwd',
      kind: 'file',
      content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    },
    { path: 'etc/group', kind: 'file', content: 'root:x:0:\nnogroup:x:65534:\n' },
    { path: 'bin/busybox', kind: 'file', content: busybox, mode: 0o755 },
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet): TarEntry => ({ path: `bin/${applet}`, kind: 'link', target: 'busybox' })),
  ]);
  return [
    toImage('library/busybox', 'latest', [base], { Cmd: ['sh'] }),
    toImage('library/nginx', 'alpine', [base, await toLayer(standInFiles())], {
      Entrypoint: ['/docker-entrypoint.sh'],
      Cmd: ['nginx', '-g', 'daemon off;'],
      ExposedPorts: { '80/tcp': {} },
      StopSignal: 'SIGQUIT',
    }),
    toImage('graphium/big', '1', [base, ...(await noiseLayers())], { Cmd: ['sh'] }),
  ];
}

/** Makes the stand-in look like the real image: it has the same entry point, command, document root and stop signal. */
function standInFiles(): TarEntry[] {
  return [
    ...['usr', 'usr/sbin', 'usr/share', 'usr/share/nginx', 'usr/share/nginx/html'].map(directory),
    { path: 'docker-entrypoint.sh', kind: 'file', mode: 0o755, content: '#!/bin/sh\nexec "$@"\n' },
    { path: 'usr/sbin/nginx', kind: 'file', mode: 0o755, content: STAND_IN_SERVER },
  ];
}

// The trap matters: a process 1 without a handler ignores SIGTERM and SIGQUIT, and every stop would take 10 s.
const STAND_IN_SERVER = `#!/bin/sh
root=/usr/share/nginx/html
host=$(printf %s "\${NGINX_HOST:-unknown}" | sed 's/&/\\&amp;/g; s/</\\&lt;/g')
[ -e $root/index.html ] || cat > $root/index.html <<PAGE
<!doctype html>
<title>Graphium lab</title>
<h1>Graphium lab: stand-in for nginx</h1>
<p>NGINX_HOST=$host</p>
PAGE
httpd -f -p 80 -h $root &
server=$!
trap 'kill $server; exit 0' TERM QUIT INT
echo "stand-in for nginx: serving on port 80"
wait $server
`;

/** Makes layers of bytes that do not compress, so that a pull shows progress. The bytes are the same every time. */
function noiseLayers(): Promise<Layer[]> {
  const layers = Array.from({ length: BIG_LAYERS }, (_, index) => {
    const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, index + 1), Buffer.alloc(16));
    const content = cipher.update(Buffer.alloc(BIG_LAYER_BYTES));
    return toLayer([directory('big'), { path: `big/${index + 1}`, kind: 'file', content }], 0);
  });
  return Promise.all(layers);
}

function toImage(repository: string, tag: string, layers: Layer[], config: ImageConfig): Image {
  const configBlob = toBlob(
    Buffer.from(
      JSON.stringify({
        architecture: ARCHITECTURES[process.arch] ?? process.arch,
        os: 'linux',
        created: '2024-01-01T00:00:00Z',
        config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], ...config },
        rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
        history: layers.map(() => ({ created: '2024-01-01T00:00:00Z', created_by: 'graphium lab' })),
      }),
    ),
  );
  const describe = (mediaType: string, blob: Blob) => ({ mediaType, size: blob.bytes.length, digest: blob.digest });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: describe(CONFIG_TYPE, configBlob),
    layers: layers.map((layer) => describe(LAYER_TYPE, layer)),
  };
  return { repository, tag, manifest: Buffer.from(JSON.stringify(manifest)), blobs: [configBlob, ...layers] };
}

async function toLayer(entries: TarEntry[], compression = 1): Promise<Layer> {
  const tar = await toTar(entries);
  return { ...toBlob(gzipSync(tar, { level: compression })), diffId: digestOf(tar) };
}

function toBlob(bytes: Buffer): Blob {
  return { digest: digestOf(bytes), bytes };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function directory(path: string): TarEntry {
  return { path, kind: 'directory' };
}
