import { dialogsInEachLanguage } from './languages';
import { statusesInEachLanguage } from './status-languages';

dialogsInEachLanguage(4);
statusesInEachLanguage(4);
