/**
 * Spares the agent what dockerode loads for ways that it does not go: SSH, and the gRPC of builds. They take a quarter of an
 * idle agent's memory. This file must be imported before dockerode.
 */
import { createRequire } from 'node:module';

const ofDockerode = createRequire(createRequire(import.meta.url).resolve('dockerode'));
const ofModem = createRequire(ofDockerode.resolve('docker-modem'));
const UNUSED: [NodeJS.Require, string][] = [
  [ofModem, 'ssh2'],
  [ofDockerode, '@grpc/grpc-js'],
  [ofDockerode, '@grpc/proto-loader'],
  [ofDockerode, 'protobufjs'],
];

for (const [require, name] of UNUSED) {
  const path = require.resolve(name);
  // Whatever has been loaded already stays as it is.
  require.cache[path] ??= Object.assign(Object.create(null), { id: path, filename: path, loaded: true, exports: {} });
}
