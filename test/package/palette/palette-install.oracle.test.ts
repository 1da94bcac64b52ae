import { node24, otherRuntimes } from '../test-runtimes';
import { testPaletteInstall } from './palette-install';

testPaletteInstall(otherRuntimes, ({ node }) => node === node24);
