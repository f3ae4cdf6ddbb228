// Writes THIRD-PARTY-LICENSES.md: the packages that are installed with agentpool, with their versions and licences, from
// the lock file. `--check` only says whether it is up to date. A licence that is not of this list has to be looked at.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const file = new URL('THIRD-PARTY-LICENSES.md', root);
const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
];

const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8'));
const installed = Object.entries(packages)
  .filter(([path, { dev, devOptional, link }]) => path !== '' && !dev && !devOptional && !link)
  .map(([path, { version, license }]) => ({ name: path.replace(/^.*node_modules\//, ''), version, license }));

const strange = installed.filter(({ license }) => !PERMISSIVE.includes(license));
if (strange.length > 0) {
  for (const { name, version, license } of strange)
    console.error(`${name} ${version}: licence ${license} is not known`);
  process.exit(1);
}

const rows = [
  ...new Set(installed.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`)),
].sort();
const text = `# Third-party licences

What is installed with agentpool, from \`package-lock.json\` (\`node scripts/licences.mjs\`). The text of each licence is in its
package.

| Package | Version | Licence |
| --- | --- | --- |
${rows.join('\n')}
`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
  console.log(`THIRD-PARTY-LICENSES.md: ${rows.length} packages`);
} else if (readFileSync(file, 'utf8') === text) {
  console.log('THIRD-PARTY-LICENSES.md is up to date');
} else {
  console.error('THIRD-PARTY-LICENSES.md is not what package-lock.json has: node scripts/licences.mjs');
  process.exit(1);
}
