import { testPaletteInstall } from './palette-install';
import { node24, otherRuntimes } from './test-runtimes';

testPaletteInstall(otherRuntimes, ({ node }) => node === node24);
