import { newestNode, nodeRed5, programOf } from '../package/test-runtimes';
import { dialogsInEachLanguage } from './languages';
import { statusesInEachLanguage } from './status-languages';

const program = () => programOf({ node: newestNode, nodeRed: nodeRed5 });

dialogsInEachLanguage(5, program);
statusesInEachLanguage(5, program);
