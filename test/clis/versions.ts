/** The real programs that the suite was written against; another version may say things in other words. */
export const VERSIONS = {
  claude: '2.1.330',
  gemini: '0.61.0',
  kilo: '7.7.7', // 7.8.1 does not install: the packages with its programs were never published
  qwencli: '0.24.4',
  openclaw: '2026.9.6',
  cline: '3.0.65',
  opencode: '1.18.33',
  codex: '0.169.0',
  copilot: '1.0.102',
  inspector: '2.12.0',
  mcporter: '0.12.3',
  node: '24.21.0', // claude, qwen and openclaw want a newer one than the project does
} as const;
