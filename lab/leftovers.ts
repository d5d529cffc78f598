import { request } from 'node:http';

/** Asks Docker what carries a stack's label on an engine: `container web-1`, `network shop_default`, … */
export async function leftoversOf(socketPath: string, stack: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`graphium.stack=${stack}`] }));
  const [containers, networks, volumes] = await Promise.all([
    get<{ Names: string[] }[]>(socketPath, `/containers/json?all=1&filters=${filters}`),
    get<{ Name: string }[]>(socketPath, `/networks?filters=${filters}`),
    get<{ Volumes: { Name: string }[] | null }>(socketPath, `/volumes?filters=${filters}`),
  ]);
  return [
    ...containers.map((container) => `container ${container.Names.join(' ')}`),
    ...networks.map((network) => `network ${network.Name}`),
    ...(volumes.Volumes ?? []).map((volume) => `volume ${volume.Name}`),
  ];
}

function get<T>(socketPath: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as T);
        else reject(new Error(`Docker at ${socketPath} answered ${response.statusCode}: ${text}`));
      });
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error(`Docker at ${socketPath} does not answer`)));
    sent.end();
  });
}
