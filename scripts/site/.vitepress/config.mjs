// The documentation as a site with search: `npm run site` writes it to site/. Sources are the pages as they are; a link
// that leads nowhere fails the build.
import { defineConfig } from 'vitepress';

const repository = 'https://github.com/rk3588/node-red-smolvlm/blob/main';

export default defineConfig({
  title: 'Camera captions at home',
  description: 'SmolVLM as Node-RED nodes, on the NPU of an RK3588 hub or on any CPU',
  srcDir: '../..',
  outDir: '../../site',
  cacheDir: '../../node_modules/.cache/vitepress',
  srcExclude: ['**/node_modules/**', 'test/**', 'dist/**', 'models/**', 'python/**', 'site/**', 'scripts/**'],
  // A page keeps its path, so that links work here and in the repository alike.
  rewrites: {
    'README.md': 'index.md',
    'docs/cookbook/README.md': 'docs/cookbook/index.md',
    'docs/recipes/README.md': 'docs/recipes/index.md',
    'docs/decisions/README.md': 'docs/decisions/index.md',
  },
  base: process.env.SITE_BASE ?? '/',
  cleanUrls: false,
  markdown: {
    config(markdown) {
      // Pages show {{mustache}} templates, which are not Vue's.
      for (const rule of ['text', 'code_inline']) {
        const plain = markdown.renderer.rules[rule];
        markdown.renderer.rules[rule] = (...args) => plain(...args).replaceAll('{{', '&#123;&#123;');
      }
      const render =
        markdown.renderer.rules.link_open ??
        ((tokens, at, options, _, self) => self.renderToken(tokens, at, options));
      markdown.renderer.rules.link_open = (tokens, at, options, env, self) => {
        const token = tokens[at];
        const address = token.attrGet('href') ?? '';
        token.attrSet('href', address.replace(/README\.md(?=#|$)/, 'index.md'));
        // Files that are not pages are shown in the repository.
        if (!/^[a-z]+:|^#/.test(address) && !/\.md(#|$)/.test(address)) {
          const folder = new URL(`./${env.relativePath ?? ''}`, 'file:///');
          token.attrSet('href', repository + new URL(address, folder).pathname);
        }
        return render(tokens, at, options, env, self);
      };
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Home', link: '/' },
      { text: 'Getting started', link: '/docs/getting-started' },
      { text: 'Cookbook', link: '/docs/cookbook/' },
      { text: 'Troubleshooting', link: '/docs/troubleshooting' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    sidebar: [
      {
        text: 'Use it',
        items: [
          { text: 'Start', link: '/' },
          { text: 'Getting started', link: '/docs/getting-started' },
          { text: 'Which model on which machine', link: '/docs/which-model' },
          { text: 'Cookbook', link: '/docs/cookbook/' },
          { text: 'Home Assistant', link: '/docs/home-assistant' },
          { text: 'Recipes for other programs', link: '/docs/recipes/' },
          { text: 'Which hub needs what', link: '/docs/hubs' },
          { text: 'Many hubs, one queue', link: '/docs/many-hubs' },
          { text: 'Troubleshooting', link: '/docs/troubleshooting' },
          { text: 'Questions', link: '/docs/faq' },
          { text: 'The captions page', link: '/docs/captions-page' },
          { text: 'Privacy', link: '/docs/privacy' },
        ],
      },
      {
        text: 'The nodes',
        items: ['frame', 'vision', 'caption', 'mqtt', 'timeline', 'convert', 'engine'].map((name) => ({
          text: `smolvlm-${name}`,
          link: `/docs/nodes/smolvlm-${name}`,
        })),
      },
      {
        text: 'Models and machines',
        items: [
          { text: 'From a checkpoint to a hub', link: '/docs/conversion' },
          { text: 'Performance', link: '/docs/performance' },
          { text: 'Fidelity', link: '/docs/fidelity' },
          { text: 'Reliability', link: '/docs/reliability' },
          { text: 'Doctor', link: '/docs/doctor' },
          { text: 'Environment variables', link: '/docs/environment' },
        ],
      },
      {
        text: 'Programs',
        items: [
          { text: "OpenAI's API", link: '/docs/openai' },
          { text: 'Protocol', link: '/docs/protocol' },
          { text: 'Graph patterns', link: '/docs/patterns' },
        ],
      },
      {
        text: 'Inside',
        items: [
          { text: 'Architecture', link: '/docs/architecture' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Decisions', link: '/docs/decisions/' },
        ],
      },
    ],
  },
});
