type Place = { name: string; agent: string };

/** Whether a container is still there although the current revision does not want it. */
export function isLeftover({ wanted }: { wanted: readonly Place[] }, container: Place): boolean {
  return !wanted.some((each) => each.name === container.name && each.agent === container.agent);
}
