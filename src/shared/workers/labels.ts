/** What a label of a worker looks like, and so what a run can require: `gpu`, or `repo=web`. */
export const WORKER_LABEL = /^[A-Za-z][\w.-]{0,62}(=[\w.-]{1,63})?$/;
/** The message for a label that breaks the rule. */
export const WORKER_LABEL_RULE =
  'must be a key such as gpu, or key=value such as repo=web: letters, digits and _ . -, a letter first';
/** How many requirements a run or an agent may have; with each set of them there is another queue. */
export const MOST_REQUIREMENTS = 8;

/** The labels that a worker has by itself. */
export const ownLabels = ({ platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'>): readonly string[] => [
  `os=${platform}`,
  `arch=${arch}`,
];

const keyOf = (label: string) => label.split('=', 1)[0] ?? label;

/** Whether a label is what a requirement asks for: the same, or where only a key is required, any value of it. */
const isMet = (required: string, label: string) =>
  label === required || (!required.includes('=') && keyOf(label) === required);

/** Those of some requirements that a worker with these labels does not meet. */
export const unmet = (required: readonly string[], labels: readonly string[] = []): string[] =>
  required.filter((one) => !labels.some((label) => isMet(one, label)));

/** The one way to write a set of requirements: in order, each once, and none that another one includes. */
export function canonical(required: readonly string[]): string[] {
  const all = [...new Set(required)].sort();
  return all.filter((one) => !all.some((other) => other !== one && isMet(one, other)));
}
