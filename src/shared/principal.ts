/**
 * What a principal may ask for: look, submit, kill; `metrics` is for what scrapes figures of the whole pool; `admin` is all
 * of it, for the runs of everybody.
 */
export const SCOPES = ['read', 'run', 'kill', 'metrics', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** On whose behalf a request is made. Runs belong to the principal that submitted them. */
export interface Principal {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** The user who starts our processes on this machine, by the command line or on stdio; may do everything. */
export const LOCAL: Principal = { name: 'local', scopes: SCOPES };

/** Whether a principal may do what needs a scope. */
export function allows({ scopes }: Principal, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin');
}

/** Whether what belongs to `owner` is there for a principal at all; without an owner it is that of LOCAL. */
export function maySee({ name, scopes }: Principal, owner: string | undefined): boolean {
  return scopes.includes('admin') || name === (owner ?? LOCAL.name);
}
