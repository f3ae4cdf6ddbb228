#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { openBundle } from './bundle.js';

/** The program in dist/bundle; its name has a hash of what is in it, so it is put in when that is known. */
declare const PROGRAM: string;

const [, , asked = ''] = process.argv;
/**
 * Flags of V8 for processes that there are many of, or that carry much: while code is loaded, V8 otherwise takes up to 48 MiB
 * for young objects, and keeps it. Code is compiled for these flags, so they are set before any is loaded.
 */
const FLAGS: ReadonlyMap<string, readonly string[]> = new Map([
  ['mcp', ['--semi-space-growth-factor=1']], // one for each client: 7 MiB less, a tenth fewer submissions a second
  ['serve', ['--semi-space-growth-factor=1', '--optimize-for-size']], // up to thousands of waits
]);
for (const flag of FLAGS.get(asked) ?? []) setFlagsFromString(flag);

const keeps = !process.env.NODE_DISABLE_COMPILE_CACHE;
const bundle = openBundle(new URL('../bundle/', import.meta.url), keeps ? asked : undefined);
await bundle.load<typeof import('./program.js')>(PROGRAM).runProgram();
