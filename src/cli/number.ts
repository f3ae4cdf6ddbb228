import { InvalidArgumentError } from 'commander';

/** The value of an option that is a whole number; anything else is wrong use. */
export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
