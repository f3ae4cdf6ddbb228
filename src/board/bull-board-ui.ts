import type { UIConfig } from '@bull-board/api/typings/app';
import { MARK_URL } from './layout.js';

const FONTS = { 'font-sans': 'system-ui, sans-serif', 'font-mono': 'ui-monospace, monospace' };

/** How Bull Board looks: as our own pages do, with a way back to them, and nothing that leads to strangers. */
export const BULL_BOARD_UI: UIConfig = {
  boardTitle: 'agentpool',
  boardLogo: { path: MARK_URL, width: 24, height: 24 },
  favIcon: { default: MARK_URL, alternative: MARK_URL },
  miscLinks: [{ text: 'Runs and workers', url: '/' }],
  hideDocsLink: true,
  pollingInterval: { forceInterval: 3, showSetting: true },
  theme: {
    light: { ...FONTS, ...accent('#0b5cad', '#dfeaf6') },
    dark: { ...FONTS, ...accent('#7db9f5', '#1d2b3c') },
  },
};

function accent(ink: string, paper: string) {
  return {
    primary: ink,
    ring: ink,
    'state-selected': paper,
    'state-selected-hover': paper,
    'state-selected-foreground': ink,
    'sidebar-primary': ink,
    'sidebar-state-selected': paper,
    'sidebar-state-selected-hover': paper,
    'sidebar-state-selected-foreground': ink,
  };
}
