import { sidebar } from '../../src/editor/sidebar/sidebar';

RED.plugins.registerPlugin('smolvlm-sidebar', {
  type: 'smolvlm-sidebar',
  onadd() {
    sidebar((key, values) => this._(`smolvlm-sidebar.${key}`, values));
  },
});
