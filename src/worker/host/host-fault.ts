import { codeOf } from '../../shared/errors.js';
import type { HostFaultKind } from '../../shared/workers/workers.js';

const KIND_OF_CODE: Readonly<Record<string, HostFaultKind>> = {
  EMFILE: 'file_descriptors',
  ENFILE: 'file_descriptors',
  EAGAIN: 'processes',
  ENOMEM: 'memory',
  ENOSPC: 'disk',
  EDQUOT: 'disk',
  EROFS: 'spool',
  EIO: 'spool',
  ESTALE: 'spool',
};

/**
 * What is wrong with this host, if an error of the system says that something is; undefined for one that is the run's
 * own. Other errors of the disk are the host's only where they come from its spools, which the caller knows.
 */
export function hostFaultOf(error: unknown): HostFaultKind | undefined {
  return KIND_OF_CODE[codeOf(error) ?? ''];
}
