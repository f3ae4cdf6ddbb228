import { z } from 'zod';
import { UserError } from '../errors.js';
import { readStored, STORED_FORM, type Stored, storedSetup, storedStrings } from '../stored-form.js';
import { type ProfileSummary, type StoredProfile, variablesOf } from './profile.js';

const inBoth = {
  name: z.string(),
  runner: z.string(),
  description: z.string().optional(),
  model: z.string().optional(),
  mode: z.string().optional(),
  labels: storedStrings.optional(),
  requires: z.array(z.string()).optional(),
  revision: z.number().int(),
  createdAt: z.number(),
  updatedAt: z.number(),
};

/** The types alone: what a profile may say was checked when it came in, perhaps by other rules than today's. */
const profile = z.looseObject({
  ...inBoth,
  prompt: z.string(),
  path: z.string().optional(),
  timeoutMs: z.number().optional(),
  silenceTimeoutMs: z.number().optional(),
  ...storedSetup,
});
const summary = z.looseObject({ ...inBoth, variables: z.array(z.string()) });

/** An agent that is stored and cannot be used by this release. */
export interface UnreadableAgent {
  readonly name: string;
  readonly problem: string;
}

/** What there is of something stored of agents, by name: what we can read, and what we cannot. */
export interface Listed<Value> {
  readonly agents: Value[];
  readonly unreadable: UnreadableAgent[];
}

/** A profile as it is stored, and its line in the list. */
export function storedTexts(given: StoredProfile): { readonly profile: string; readonly summary: string } {
  const { name, runner, description, model, mode, labels, requires, revision, createdAt, updatedAt } = given;
  const facts = { name, runner, description, model, mode, labels, requires, revision, createdAt, updatedAt };
  return {
    profile: JSON.stringify({ form: STORED_FORM, ...given }),
    summary: JSON.stringify({ form: STORED_FORM, ...facts, variables: variablesOf(given) }),
  };
}

const readProfile = (text: string) => readStored(profile as unknown as z.ZodType<StoredProfile>, text);
const readSummary = (text: string) => readStored(summary as unknown as z.ZodType<ProfileSummary>, text);

function problemOf(stored: Exclude<Stored<unknown>, { value: unknown }>): string {
  return 'newer' in stored
    ? `it was stored by a newer release (form ${stored.newer})`
    : `what is stored of it cannot be read: ${stored.broken}`;
}

function refuseNewer(name: string, stored: Stored<unknown>): void {
  if ('newer' in stored)
    throw new UserError(
      'newer_release',
      `agent ${name} cannot be used by this release: ${problemOf(stored)}`,
      'Update this agentpool.',
    );
}

/** A profile from its stored text. Throws a UserError for one that is of a newer release, or broken. */
export function profileFromText(name: string, text: string): StoredProfile {
  const stored = readProfile(text);
  if ('value' in stored) return stored.value;
  refuseNewer(name, stored);
  throw new UserError(
    'invalid_agent',
    `agent ${name} cannot be used: ${problemOf(stored)}`,
    `agentpool agents delete ${name}, or delete_agent, removes it; then create it anew.`,
  );
}

/**
 * Throws a UserError for a profile of a newer release: whoever does not know all of it must not remove it. A broken one
 * may go.
 */
export const refuseNewerText = (name: string, text: string): void => refuseNewer(name, readProfile(text));

function listed<Value extends { readonly name: string }>(
  texts: Readonly<Record<string, string>>,
  read: (text: string) => Stored<Value>,
): Listed<Value> {
  const agents: Value[] = [];
  const unreadable: UnreadableAgent[] = [];
  for (const name of Object.keys(texts).sort((a, b) => a.localeCompare(b))) {
    const stored = read(texts[name] ?? '');
    if ('value' in stored) agents.push(stored.value);
    else unreadable.push({ name, problem: problemOf(stored) });
  }
  return { agents, unreadable };
}

/** Every profile, from the texts by name. */
export const profilesFrom = (texts: Readonly<Record<string, string>>): Listed<StoredProfile> =>
  listed(texts, readProfile);

/** Every line of the list, from the texts by name. */
export const summariesFrom = (texts: Readonly<Record<string, string>>): Listed<ProfileSummary> =>
  listed(texts, readSummary);
