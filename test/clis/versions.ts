/** The real programs that the suite was written against; another version may say things in other words. */
export const CLAUDE_VERSION = '2.1.330';
export const INSPECTOR_VERSION = '2.12.0';
export const NODE_VERSION = '24.21.0';
