import { dialogsInEachLanguage } from './languages';

dialogsInEachLanguage(4);
