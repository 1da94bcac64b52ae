import { sidebar } from '../../src/editor/sidebar/sidebar';
import { statusLanguage } from '../../src/editor/status-language';

RED.plugins.registerPlugin('smolvlm-sidebar', {
  type: 'smolvlm-sidebar',
  onadd() {
    statusLanguage();
    sidebar((key, values) => this._(`smolvlm-sidebar.${key}`, values));
  },
});
