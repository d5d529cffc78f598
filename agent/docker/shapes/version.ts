/**
 * Pure: which version of Docker's API to speak. 1.44 has everything that the agent uses and is the lowest that engine 29
 * still accepts. Older engines (20.10 has 1.41) are spoken to in their own version.
 */
export const NEWEST_API_VERSION = '1.44';

export function chooseApiVersion(engine: { ApiVersion: string; MinAPIVersion?: string }): string {
  const wanted = isLower(engine.ApiVersion, NEWEST_API_VERSION) ? engine.ApiVersion : NEWEST_API_VERSION;
  return engine.MinAPIVersion && isLower(wanted, engine.MinAPIVersion) ? engine.MinAPIVersion : wanted;
}

export function isLower(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor !== bMajor ? aMajor < bMajor : aMinor < bMinor;
}
