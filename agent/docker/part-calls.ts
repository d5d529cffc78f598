/** The calls for networks and volumes; see `calls.ts`. */
import { orNull } from './answer.ts';
import type { Endpoint } from './shapes/endpoints.ts';
import type { Labels } from './shapes/labels.ts';
import type { NetworkBody, VolumeBody } from './shapes/parts.ts';
import type { Send } from './transport.ts';

export type DockerNetwork = {
  Id: string;
  Name: string;
  Created: string;
  Driver: string;
  Labels: Labels | null;
  Options?: Labels | null;
  Internal?: boolean;
  Attachable?: boolean;
  EnableIPv6?: boolean;
  IPAM?: {
    Driver?: string;
    Options?: Labels | null;
    Config?: { Subnet?: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Labels }[] | null;
  };
};
export type DockerVolume = { Name: string; Driver: string; Labels: Labels | null; Options?: Labels | null };
export function networkCalls(send: Send) {
  const list = async (filters: Record<string, string[]>) =>
    (await send({ what: 'Listing networks', method: 'GET', path: '/networks', query: { filters } })) as DockerNetwork[];
  return {
    /** More than one network may have the name. Docker's filter also finds names that only contain it. */
    networksNamed: async (name: string) => (await list({ name: [name] })).filter((network) => network.Name === name),
    networksLabelled: (labels: string[]) => list({ label: labels }),
    createNetwork: async (body: Pick<NetworkBody, 'Name'>): Promise<string> => {
      const what = `Creating network ${body.Name}`;
      return ((await send({ what, method: 'POST', path: '/networks/create', body })) as { Id: string }).Id;
    },
    networkHasContainers: async (id: string): Promise<boolean> => {
      const network = await orNull<{ Containers?: object | null }>(
        send({ what: 'Looking at the network', method: 'GET', path: `/networks/${id}` }),
      );
      return Object.keys(network?.Containers ?? {}).length > 0;
    },
    removeNetwork: async (id: string) => {
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
    /** One that is there already is left as it is, and given back. */
    createVolume: async (body: VolumeBody): Promise<DockerVolume> => {
      const what = `Creating volume ${body.Name}`;
      return (await send({ what, method: 'POST', path: '/volumes/create', body })) as DockerVolume;
    },
    removeVolume: async (name: string) => {
      await orNull(send({ what: `Removing volume ${name}`, method: 'DELETE', path: `/volumes/${name}` }));
    },
  };
}
