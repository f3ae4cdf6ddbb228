import { realpathSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { allowLine } from '../../shared/allowed-directories.js';
import { isWithin } from '../../shared/allowed-path.js';
import type { Failure } from '../../shared/run.js';
import { hostFaultOf } from '../host/host-fault.js';

/** The real working directory for a run, or why it cannot be one. Symbolic links are resolved before the check. */
export function workingDirectory(
  wanted: string | undefined,
  allowed: readonly string[],
  home: string,
): { path: string } | { failure: Failure } {
  const refuse = (message: string) => ({ failure: { kind: 'path_not_allowed' as const, message } });
  const path = wanted ?? allowed[0];
  if (path === undefined)
    return refuse('it has no path, and this worker has no directory of its own: set AGENTPOOL_ALLOWED_PATHS there');
  if (!isAbsolute(path)) return refuse(`path ${path} is not absolute`);
  const real = realOf(path);
  if (real === undefined) return refuse(`path ${path} is not a directory on this host`);
  const roots = allowed.flatMap((root) => realOf(root) ?? []);
  if (!isWithin(real, roots)) {
    const detour = real === path ? '' : ` (it is really ${real})`;
    const list = allowed.length === 0 ? '' : `: ${allowed.join(', ')}`;
    const line = allowLine(real, home);
    return refuse(
      `path ${path}${detour} is outside of the allowed directories${list}; a person allows it with: ${line}`,
    );
  }
  return { path: real };
}

/** The directories as they were given and as they really are, so that a caller may name either. */
export function withRealPaths(directories: readonly string[]): string[] {
  return [...new Set(directories.flatMap((directory) => [directory, realIfKnown(directory) ?? directory]))];
}

function realIfKnown(path: string): string | undefined {
  try {
    return realOf(path);
  } catch {
    return undefined; // the host cannot tell just now
  }
}

/** Undefined when it is not a directory that we may see. Throws what is the fault of the host, such as EMFILE. */
function realOf(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isDirectory() ? real : undefined;
  } catch (error) {
    if (hostFaultOf(error)) throw error;
    return undefined;
  }
}
