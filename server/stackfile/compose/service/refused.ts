/** Keys of a service that are valid Compose, but that no container here can be given, each with its way out. */

const INLINE = 'the server has no files beside the Compose file';
const WINDOWS = 'it is for Windows containers; remove it';

export const REFUSED: Readonly<Record<string, string>> = {
  build: 'push an image first and name it with "image"',
  cpu_count: `${WINDOWS}, or use "cpus"`,
  cpu_percent: `${WINDOWS}, or use "cpus"`,
  cpu_rt_period: 'remove it, or use "cpus" or "cpu_period" and "cpu_quota"',
  cpu_rt_runtime: 'remove it, or use "cpus" or "cpu_period" and "cpu_quota"',
  credential_spec: WINDOWS,
  develop: 'it concerns "docker compose watch" only; remove it',
  env_file: `${INLINE}; write the variables under "environment"`,
  extends: 'repeat the keys here, or share them through a YAML anchor and "<<"',
  external_links: 'put both containers on one external network and use the name of the other',
  gpus: 'give the container its devices under "devices"',
  isolation: WINDOWS,
  label_file: `${INLINE}; write the labels under "labels"`,
  links: 'services of a network reach one another by name; use "depends_on" for the order, network "aliases" for names',
  mac_address: 'give it to one network: networks.<name>.mac_address',
  models: 'run the model as a service of its own, and give its address under "environment"',
  post_start: 'make it part of the image, or of its "entrypoint"',
  pre_stop: 'let the program do it on its "stop_signal"',
  provider: 'run the service from an image, or give the address of an outside one under "environment"',
  pull_refresh_after: 'use "pull_policy" always, missing or never',
  use_api_socket: 'mount the socket under "volumes", if the policy of the host allows it',
  volumes_from: 'name the volumes in both services under "volumes"',
};
