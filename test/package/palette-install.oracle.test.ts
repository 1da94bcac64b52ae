import { testPaletteInstall } from './palette-install';
import { otherRuntimes } from './test-runtimes';

testPaletteInstall(otherRuntimes);
