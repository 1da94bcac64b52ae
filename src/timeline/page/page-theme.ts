const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export function isTheme(name: string | undefined): name is Theme {
  return (themes as readonly (string | undefined)[]).includes(name);
}

const systemDark = matchMedia('(prefers-color-scheme: dark)');
let chosen: Theme = 'system';

/** `system` follows the browser, also when it changes later. */
export function applyTheme(theme: Theme): void {
  chosen = theme;
  const system = systemDark.matches ? 'dark' : 'light';
  document.documentElement.dataset.theme = theme === 'system' ? system : theme;
}

systemDark.addEventListener('change', () => applyTheme(chosen));
