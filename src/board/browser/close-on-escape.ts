/** Escape closes what a person has opened to ask once more, and goes back to what opened it. */
export function closeOnEscape(): void {
  addEventListener('keydown', ({ key }) => {
    const open = key === 'Escape' && document.activeElement?.closest<HTMLDetailsElement>('details.action[open]');
    if (!open) return;
    open.open = false;
    open.querySelector('summary')?.focus();
  });
}
