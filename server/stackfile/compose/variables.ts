/** The variables of one reading of a Compose file, and which of them the file refers to. */
import { type Location, quote, type Report } from '../problems.ts';

const PROJECT_NAME = 'COMPOSE_PROJECT_NAME';

export class Variables {
  readonly #known: RecordingMap;
  readonly #warned = new Set<string>();
  readonly #warn: Report;

  constructor(given: Record<string, string>, warn: Report) {
    this.#known = new RecordingMap(Object.entries(given));
    this.#warn = warn;
  }

  /** To look up a variable here counts as referring to it. */
  get known(): ReadonlyMap<string, string> {
    return this.#known;
  }

  /** The specification lets a file refer to its own name. */
  setProjectName(name: string): void {
    this.#known.set(PROJECT_NAME, name);
  }

  /** Warns once for each variable, because a file may use one often. */
  warnUnset(name: string, location: Location): void {
    if (this.#warned.has(name)) return;
    this.#warned.add(name);
    this.#warn('VARIABLE_NOT_SET', location, `the variable ${quote(name)} is not set: it is taken as empty text`);
  }

  /** The variables that the file refers to, set or not. */
  get referenced(): string[] {
    return [...this.#known.asked].filter((name) => name !== PROJECT_NAME).toSorted();
  }
}

class RecordingMap extends Map<string, string> {
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
