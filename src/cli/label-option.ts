import { InvalidArgumentError } from 'commander';
import { LABEL_KEY, LABEL_VALUE, type Labels, MOST_LABELS } from '../shared/run.js';

/** What `--label` takes, for the help of every command that has it. */
export const LABEL_FLAGS = '-l, --label <key=value>';

/** An option that is a label, and may be given again; of one key the last value counts. */
export function labelOption(text: string, before: Labels = {}): Labels {
  const at = text.indexOf('=');
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || !LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
    throw new InvalidArgumentError('It must be key=value, as ticket=4711.');
  const labels = { ...before, [key]: value };
  if (Object.keys(labels).length <= MOST_LABELS) return labels;
  throw new InvalidArgumentError(`It must be given at most ${MOST_LABELS} times.`);
}

/** Labels as they are given: `ticket=4711 team=search`. */
export const labelsInWords = (labels: Labels) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
