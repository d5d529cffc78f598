/** The calls for networks and volumes, which `calls.ts` includes. */
import { orNull } from './answer.ts';
import { EngineError } from './errors.ts';
import type { Endpoint } from './shapes/endpoints.ts';
import type { DockerNetwork, DockerVolume, NetworkBody, VolumeBody } from './shapes/parts.ts';
import type { Send } from './transport.ts';

export function networkCalls(send: Send) {
  const list = async (filters: Record<string, string[]>) =>
    (await send({ what: 'Listing networks', method: 'GET', path: '/networks', query: { filters } })) as DockerNetwork[];
  const hasContainers = async (id: string): Promise<boolean> => {
    const network = await orNull<{ Containers?: object | null }>(
      send({ what: 'Looking at the network', method: 'GET', path: `/networks/${id}` }),
    );
    return Object.keys(network?.Containers ?? {}).length > 0;
  };
  return {
    /** Several networks may have the name. Docker's filter also finds names that merely contain it. */
    networksNamed: async (name: string) => (await list({ name: [name] })).filter((network) => network.Name === name),
    networksLabelled: (labels: string[]) => list({ label: labels }),
    createNetwork: async (body: Pick<NetworkBody, 'Name'>): Promise<string> => {
      const what = `Creating network ${body.Name}`;
      return ((await send({ what, method: 'POST', path: '/networks/create', body })) as { Id: string }).Id;
    },
    networkHasContainers: hasContainers,
    /** Rejects if it is in use. Docker refuses that by itself; Podman takes it from under the containers. */
    removeNetwork: async (id: string) => {
      if (await hasContainers(id)) {
        throw new EngineError('Removing the network', 403, 'the network has active endpoints');
      }
      await orNull(send({ what: 'Removing the network', method: 'DELETE', path: `/networks/${id}` }));
    },
    connectNetwork: async (network: string, containerId: string, endpoint: Endpoint) => {
      const body = { Container: containerId, EndpointConfig: endpoint };
      await send({ what: `Joining network ${network}`, method: 'POST', path: `/networks/${network}/connect`, body });
    },
  };
}

export function volumeCalls(send: Send) {
  return {
    findVolume: (name: string) =>
      orNull<DockerVolume>(send({ what: `Looking at volume ${name}`, method: 'GET', path: `/volumes/${name}` })),
    /** Returns an existing volume unchanged. */
    createVolume: async (body: VolumeBody): Promise<DockerVolume> => {
      const what = `Creating volume ${body.Name}`;
      return (await send({ what, method: 'POST', path: '/volumes/create', body })) as DockerVolume;
    },
    removeVolume: async (name: string) => {
      await orNull(send({ what: `Removing volume ${name}`, method: 'DELETE', path: `/volumes/${name}` }));
    },
  };
}
