import { node24, nodeRed5, programOf } from '../package/test-runtimes';
import { dialogsInEachLanguage } from './languages';
import { statusesInEachLanguage } from './status-languages';

const program = () => programOf({ node: node24, nodeRed: nodeRed5 });

dialogsInEachLanguage(5, program);
statusesInEachLanguage(5, program);
