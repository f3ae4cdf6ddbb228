#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { openBundle } from './bundle.js';

/** The program in dist/bundle; its name has a hash of what is in it, so it is put in when that is known. */
declare const PROGRAM: string;

const [, , asked = ''] = process.argv;
// `serve` is to carry many waits: otherwise 48 MiB are taken for what is young while the code is loaded, and kept. Code is
// compiled for the flags of V8, so they are set before any is loaded.
if (asked === 'serve')
  for (const flag of ['--semi-space-growth-factor=1', '--optimize-for-size']) setFlagsFromString(flag);

const keeps = !process.env.NODE_DISABLE_COMPILE_CACHE;
const bundle = openBundle(new URL('../bundle/', import.meta.url), keeps ? asked : undefined);
await bundle.load<typeof import('./program.js')>(PROGRAM).runProgram();
