import { omitUndefined } from '../omit-undefined.js';
import type { AgentEvent } from './event.js';
import { pathIn } from './tool.js';

/** A file that a run has changed, with how many lines it added and removed where its program tells. */
export interface ChangedFile {
  readonly path: string;
  readonly operation?: 'add' | 'update' | 'delete';
  readonly added?: number;
  readonly removed?: number;
}

/**
 * Collects the files that a run has changed. Where a program only tells that it called a tool that edits, and that this
 * went well, the file that the call names counts as changed.
 */
export function createChangedFiles() {
  const files = new Map<string, ChangedFile>();
  /** The paths of calls whose result has not come yet. */
  const asked = new Map<string, string>();

  const add = (file: ChangedFile) => {
    const before = files.get(file.path);
    const plus = (name: 'added' | 'removed') =>
      before?.[name] === undefined ? file[name] : before[name] + (file[name] ?? 0);
    const operation = before?.operation === 'add' && file.operation !== 'delete' ? 'add' : file.operation;
    files.set(file.path, {
      path: file.path,
      ...omitUndefined({ operation, added: plus('added'), removed: plus('removed') }),
    });
  };
  return {
    take(event: AgentEvent): void {
      if (event.type === 'file_change') add(event);
      else if (event.type === 'tool_call' && event.kind === 'edit' && event.toolCallId !== undefined) {
        const path = pathIn(event.input);
        if (path !== undefined) asked.set(event.toolCallId, path);
      } else if (event.type === 'tool_result' && event.toolCallId !== undefined) {
        const path = asked.get(event.toolCallId);
        asked.delete(event.toolCallId);
        if (event.ok && path !== undefined && !files.has(path)) files.set(path, { path });
      }
    },
    /** In the order in which they were first changed. */
    files: (): readonly ChangedFile[] => [...files.values()],
  };
}
