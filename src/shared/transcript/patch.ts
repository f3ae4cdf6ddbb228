import { omitUndefined } from '../omit-undefined.js';
import type { FileChangeEvent } from './event.js';

type Operation = NonNullable<FileChangeEvent['operation']>;

const HEADER = /^(diff --git |index |--- |\+\+\+ |Index: |=+$|new file mode |deleted file mode |\\ No newline)/;

/** A change of a file as a unified patch tells it. */
export function patchedFile(path: string, patch: string, operation?: Operation): FileChangeEvent {
  const start = patch.search(/^@@ /m);
  const lines = (start < 0 ? '' : patch.slice(start)).split('\n').filter((line) => !HEADER.test(line));
  while (lines.at(-1)?.trim() === '') lines.pop();
  return {
    type: 'file_change',
    path,
    ...omitUndefined({ operation }),
    added: lines.filter((line) => line.startsWith('+')).length,
    removed: lines.filter((line) => line.startsWith('-')).length,
    ...(lines.length > 0 && { patch: lines.join('\n') }),
  };
}

/** A hunk of a patch, as programs tell it in JSON. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly string[];
}

/** A change of a file as hunks tell it. */
export function changedByHunks(path: string, hunks: readonly Hunk[], operation?: Operation): FileChangeEvent {
  const text = hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
  return patchedFile(path, text.join('\n'), operation);
}

/** A file that is new, with its content. */
export function newFile(path: string, content: string): FileChangeEvent {
  const lines = content.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return changedByHunks(
    path,
    [{ oldStart: 0, oldLines: 0, newStart: 1, newLines: lines.length, lines: lines.map((line) => `+${line}`) }],
    'add',
  );
}
