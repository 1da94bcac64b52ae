import { node24, nodeRed5, programOf } from '../package/test-runtimes';
import { dialogsInEachLanguage } from './languages';

dialogsInEachLanguage(5, () => programOf({ node: node24, nodeRed: nodeRed5 }));
