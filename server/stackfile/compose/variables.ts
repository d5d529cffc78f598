/** The variables of one reading of a Compose file, and which of them the file refers to. */
import { quote, type Report, type Spot } from '../text.ts';

const PROJECT = 'COMPOSE_PROJECT_NAME';

export function createVariables(given: Record<string, string>, warn: Report) {
  const known = new AskedMap(Object.entries(given));
  const warned = new Set<string>();
  return {
    /** Looking here counts as referring to a variable. */
    known: known as ReadonlyMap<string, string>,
    get: (name: string) => known.get(name),
    /** The specification lets a file refer to its own name. */
    setProject: (name: string): void => void known.set(PROJECT, name),
    /** Once for each: the file may use it often. */
    onUnset(name: string, spot: Spot): void {
      if (warned.has(name)) return;
      warned.add(name);
      warn('VARIABLE_NOT_SET', spot, `the variable ${quote(name)} is not set: it is taken as empty text`);
    },
    names: (): string[] => [...known.asked].filter((name) => name !== PROJECT).toSorted(),
  };
}

class AskedMap extends Map<string, string> {
  readonly asked = new Set<string>();

  override get(name: string): string | undefined {
    this.asked.add(name);
    return super.get(name);
  }

  override has(name: string): boolean {
    this.asked.add(name);
    return super.has(name);
  }
}
