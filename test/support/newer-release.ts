import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN } from './processes.js';
import { removeDirectory } from './remove-directory.js';

const ROOT = new URL('../../', import.meta.url).pathname;

/** The built program as a later release would be: what it stores has the next form, and it understands ours. */
export function makeNewerRelease(): { readonly main: string; clean(): void } {
  const root = mkdtempSync(join(tmpdir(), 'ap-newer-'));
  cpSync(join(ROOT, 'dist'), join(root, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(root, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const bundle = join(root, 'dist', 'bundle');
  rmSync(join(bundle, 'code-cache'), { recursive: true, force: true }); // what is compiled goes by the names of the files
  const changed = readdirSync(bundle).filter((name) => {
    const ours = readFileSync(join(bundle, name), 'utf8');
    const newer = ours.replace(
      /(STORED|SPOOL)_FORM ?= ?(\d+)/g,
      (_, of: string, form: string) => `${of}_FORM=${Number(form) + 1}`,
    );
    if (newer !== ours) writeFileSync(join(bundle, name), newer);
    return newer !== ours;
  });
  if (changed.length !== 1) throw new Error(`the form of what is stored was found in ${changed.length} files of dist`);
  return {
    main: join(root, 'dist', MAIN.slice(MAIN.indexOf('/dist/') + '/dist/'.length)),
    clean: () => removeDirectory(root),
  };
}
