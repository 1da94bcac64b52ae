import { spawn } from 'node:child_process';

const programs = { darwin: 'open', win32: 'explorer' };

/** Opens an address in the user's browser. Without a desktop it says so. */
export function openInBrowser(address, say) {
  const program = programs[process.platform] ?? 'xdg-open';
  const child = spawn(program, [address], { stdio: 'ignore', detached: true });
  child.on('error', ({ message }) => say(`No browser was opened: ${message}`));
  child.unref();
}
