import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

const ROOT = new URL('../../', import.meta.url).pathname;
const TSC = join(ROOT, 'node_modules/.bin/tsc');
const load = createRequire(import.meta.url);

/** An object of Kubernetes, as far as every one of them has it. */
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
type Model = new (manifest: Manifest) => { validate(): void };

const read = (file: string) => readFileSync(join(ROOT, 'deploy', file), 'utf8');
const objectsIn = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Manifest);
const FILES = ['namespace', 'server', 'worker', 'network-policy', 'secret.example'].map(
  (name) => `kubernetes/${name}.yaml`,
);
const manifests = [...FILES, 'keda/scaled-object.yaml'].flatMap((file) => objectsIn(read(file)));

/** What kustomize makes of the files, where there is kubectl. */
const rendered = spawnSync('kubectl', ['kustomize', join(ROOT, 'deploy/kubernetes')], { encoding: 'utf8' });
if (rendered.status !== 0)
  process.stderr.write('without kubectl the files are checked, not what kustomize makes of them\n');
else manifests.push(...objectsIn(rendered.stdout));

/** The module that has the schema and the type of an object: made from the OpenAPI description of Kubernetes, and from the CRDs of KEDA. */
const moduleOf = ({ apiVersion, kind }: Manifest) =>
  `${apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models'}/${apiVersion}/${kind}`;

/** What the schema of its kind says against an object; undefined when nothing. */
function refusal(manifest: Manifest): string | undefined {
  const model = load(moduleOf(manifest))[manifest.kind] as Model;
  try {
    new model(manifest).validate();
    return undefined;
  } catch (error) {
    return `${manifest.kind} ${manifest.metadata.name}: ${error instanceof Error ? error.message : error}`;
  }
}

/** What the compiler says against objects that are written out with the type of their kind: members that it does not have, too. */
function unknownMembers(objects: readonly Manifest[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'ap-manifests-'));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const lines = objects.map((object, at) => {
    const type = `import('${moduleOf(object)}').I${object.kind}`;
    return `export const object${at}: ${type} = ${JSON.stringify(object)};`;
  });
  writeFileSync(join(directory, 'objects.ts'), lines.join('\n'));
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--types',
    '',
  ];
  const { status, stdout } = spawnSync(TSC, [...options, 'objects.ts'], { cwd: directory, encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  return status === 0 ? [] : stdout.trim().split('\n');
}

/** The same objects with one word in them replaced, as by somebody who mistypes it. */
const mistyped = (from: string, to: string) => {
  const text = JSON.stringify(manifests);
  expect(text).toContain(from);
  return JSON.parse(text.replaceAll(from, to)) as Manifest[];
};

describe('the manifests of Kubernetes and KEDA', () => {
  it('fit the schema of their kind', () => {
    expect(manifests.length).toBeGreaterThan(10);
    expect(manifests.map(refusal).filter((said) => said !== undefined)).toEqual([]);
  });

  it('have no member that their kind does not know', () => {
    expect(unknownMembers(manifests)).toEqual([]);
  });

  it('would be refused with a value of another type, a member that is missing, or one that is misspelt', () => {
    const refused = (from: string, to: string) =>
      mistyped(from, to)
        .map(refusal)
        .filter((said) => said !== undefined);
    expect(refused('"containerPort":7333', '"containerPort":"http"').join()).toMatch(
      /Deployment agentpool-server:.*containerPort/,
    );
    expect(refused('"scaleTargetRef"', '"scaleTarget"').join()).toMatch(
      /ScaledObject agentpool-worker:.*scaleTargetRef/,
    );
    const misspelt = unknownMembers(mistyped('"terminationGracePeriodSeconds"', '"terminationGraceSeconds"'));
    expect(misspelt.join()).toMatch(/'"?terminationGraceSeconds"?' does not exist in type/);
  });
});
