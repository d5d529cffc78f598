export function agentCommand(publicUrl: string, joinToken: string, name: string | null): string {
  return `npm run agent -- --server ${publicUrl} --join ${joinToken}${name === null ? '' : ` --name ${name}`}`;
}
