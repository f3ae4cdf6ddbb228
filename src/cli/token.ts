import type { Command } from 'commander';
import { UserError } from '../shared/errors.js';
import { openContext } from './context.js';
import { localToken, loginLink, rotateLocalToken } from './local-token.js';
import { readPoolProcess } from './pool-process.js';
import { print, printJson } from './print.js';

interface Options {
  readonly link?: boolean;
  readonly rotate?: boolean;
  readonly json?: boolean;
}

export function addToken(program: Command): void {
  program
    .command('token')
    .description(
      'print the token that the HTTP server of this machine wants, where AGENTPOOL_TOKENS does not say others',
    )
    .option('--link', 'print a link that lets one browser in, once, instead')
    .option('--rotate', 'make a new token; the old one is refused from then on')
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  curl -H "Authorization: Bearer $(agentpool token)" http://127.0.0.1:7333/\n  export AGENTPOOL_TOKEN="$(agentpool token)"',
    )
    .action((options: Options) => {
      const { config } = openContext('token');
      const token = options.rotate ? rotateLocalToken(config.home) : localToken(config.home);
      if (!options.link) {
        if (options.json) printJson({ token });
        else print(token);
        return;
      }
      const url = readPoolProcess(config.home)?.url ?? `http://127.0.0.1:${config.port}`;
      const link = loginLink(url, config);
      if (link === undefined)
        throw new UserError(
          'no_link',
          'this server has tokens of its own',
          'A browser asks for one: any name, and the token as the password.',
        );
      if (options.json) printJson({ link });
      else print(link);
    });
}
