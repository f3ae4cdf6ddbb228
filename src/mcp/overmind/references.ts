import { referencesIn } from '../../shared/agents/profile.js';
import { looksSecret } from '../../shared/agents/secrets.js';

/** A variable that the environment of a worker has to have, and where in the workspace its value is; never the value. */
export interface Need {
  readonly name: string;
  readonly where: string;
}

/** A user and a password before the host of an address. */
const HAS_PASSWORD = /:\/\/[^/?#\s]*:[^/?#\s]*@/;

function variableName(...parts: string[]): string {
  const name = parts.join('_').replaceAll(/\W/g, '_').toUpperCase();
  return /^\d/.test(name) ? `_${name}` : name;
}

/**
 * Takes secrets out of values: a literal becomes a reference to a variable that is named after the agent and the place.
 * What is a reference already stays one.
 */
export function collectNeeds(agent: string, dotEnv: Readonly<Record<string, string | undefined>>) {
  const needs = new Map<string, string>();

  /** The value as it may be stored. `always`: whatever it looks like, it is a secret. */
  function keep(value: string, name: string, place: string, within: readonly string[] = [], always = false): string {
    const references = referencesIn(value);
    const secret = looksSecret(name, value) || HAS_PASSWORD.test(value) || (always && references.length === 0);
    if (!secret) {
      for (const reference of references)
        needs.set(reference, dotEnv[reference] === undefined ? 'not in the workspace' : `.env, ${reference}`);
      return value;
    }
    const variable = variableName(agent, ...within, name);
    needs.set(variable, place);
    return `$${variable}`;
  }

  return {
    keep,
    keepAll: (values: Readonly<Record<string, string>>, file: string, within: readonly string[], member: string) =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, keep(value, name, `${file}, ${member}.${name}`, within)]),
      ),
    needs: (): Need[] => [...needs].map(([name, where]) => ({ name, where })),
  };
}
export type Needs = ReturnType<typeof collectNeeds>;
