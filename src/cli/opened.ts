import { isOpened, openDirectory, realPathOf } from '../shared/allowed-directories.js';
import { lookOnceATurn } from '../shared/by-turn.js';
import { RUN_MARK } from '../shared/config/load.js';
import type { Context } from './context.js';

/**
 * Opens the directory in which a person has started this process for the runs that it submits, or the first of `roots`;
 * see `openDirectory`. What an agent of a run starts opens nothing, since no person has chosen where: it works where the
 * agent does, if that is open.
 */
export function openedFor({ config, env, logger }: Pick<Context, 'config' | 'env' | 'logger'>) {
  const open = lookOnceATurn((rootsAsJson: string): string | undefined => {
    const roots: string[] = JSON.parse(rootsAsJson);
    try {
      const here = realPathOf(process.cwd());
      if (env[RUN_MARK]) return here !== undefined && isOpened(config.home, here) ? here : undefined;
      return openDirectory(config.home, [...roots, process.cwd()]);
    } catch (error) {
      logger.warn({ err: error }, 'the working directory cannot be noted in AGENTPOOL_HOME, so runs do not work in it');
      return undefined;
    }
  });
  return (roots: readonly string[] = []) => open(JSON.stringify(roots));
}
