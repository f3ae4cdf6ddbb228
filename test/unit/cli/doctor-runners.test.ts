import { describe, expect, it } from 'vitest';
import { versionVerdict } from '../../../src/cli/doctor-runners.js';

const runner = { testedVersion: '2.1.330', install: 'npm install -g @acme/agent', versionArgs: ['--version'] };

describe('the version of an agent program', () => {
  it('is tested when it is the very one that the suite runs', () => {
    expect(versionVerdict(runner, '2.1.330', '/bin/agent')).toEqual({ found: '2.1.330, tested, /bin/agent' });
  });

  it.each(['2.1.329', '2.1.331', '3.0.0', '2.1.330-beta.1'])(
    'is not tested when it is another: %s, and the tested one is named',
    (version) => {
      expect(versionVerdict(runner, version, '/bin/agent')).toEqual({
        found: `${version}, not tested (2.1.330 is), /bin/agent`,
        note: true,
        fix: 'npm install -g @acme/agent@2.1.330',
      });
    },
  );

  it('is left out of an install line that takes none', () => {
    expect(versionVerdict({ ...runner, install: 'pipx install agent' }, '1.0.0', '/bin/agent')).toMatchObject({
      fix: 'pipx install agent',
    });
  });

  it('is worth a note when the program does not tell it, and none when nobody asks for it', () => {
    expect(versionVerdict(runner, undefined, '/bin/agent')).toMatchObject({ note: true });
    expect(versionVerdict({ install: 'somehow' }, undefined, '/bin/agent')).toEqual({ found: '/bin/agent' });
  });
});
