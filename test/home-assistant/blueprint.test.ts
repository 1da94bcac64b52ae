import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { parse, type ScalarTag } from 'yaml';
import { DescribeTopics } from '../../src/mqtt/describe-topics';
import { discoveryPayload } from '../../src/mqtt/home-assistant';
import { repositoryRoot } from '../fixtures';

/** A blueprint's `!input NAME`. */
class Input {
  constructor(readonly name: string) {}
}
const inputTag: ScalarTag = { tag: '!input', resolve: (name) => new Input(name) };

function readYaml(...path: string[]): Record<string, unknown> {
  const text = readFileSync(join(repositoryRoot, 'home-assistant', ...path), 'utf8');
  return parse(text, { customTags: [inputTag], strict: true }) as Record<string, unknown>;
}

function inputsIn(value: unknown): string[] {
  if (value instanceof Input) return [value.name];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(inputsIn);
}

describe('the notification blueprint', () => {
  const document = readYaml('blueprints', 'automation', 'camera_caption_notification.yaml');
  const { blueprint, ...automation } = document as {
    blueprint: {
      domain: string;
      name: string;
      input: Record<string, { selector: object; name: string; default?: unknown }>;
    };
  };

  it('declares each input that it uses, and uses each that it declares', () => {
    const used = [...new Set(inputsIn(automation))].sort();
    assert.deepEqual(used, Object.keys(blueprint.input).sort());
  });

  it('is an automation whose inputs have a name and a selector each', () => {
    assert.equal(blueprint.domain, 'automation');
    assert.deepEqual(Object.keys(automation).sort(), [
      ...['actions', 'conditions', 'max_exceeded', 'mode', 'trigger_variables', 'triggers', 'variables'],
    ]);
    for (const [name, input] of Object.entries(blueprint.input)) {
      assert.ok(input.name && Object.keys(input.selector).length === 1, name);
    }
  });

  it('takes the button of a notification while its cooldown runs and after, with or without quiet hours', () => {
    const events: unknown[] = [];
    const buttons: unknown[] = [];
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || value instanceof Input) return;
      const { trigger, event_data, title, action } = value as Record<string, unknown>;
      if (trigger === 'event') events.push((event_data as { action: unknown }).action);
      if (title === 'Ask again') buttons.push(action);
      for (const each of Object.values(value)) visit(each);
    };
    visit(automation);
    const {
      triggers,
      conditions,
      variables,
      trigger_variables: names,
    } = automation as Record<string, Record<string, unknown>>;
    assert.deepEqual([...events, ...buttons], Array(5).fill('{{ ask_again }}'));
    const [, ask] = triggers as unknown as { id: string }[];
    const [either] = conditions as unknown as { condition: string; conditions: unknown[] }[];
    assert.equal(ask?.id, 'ask');
    assert.deepEqual([either?.condition, either?.conditions[0]], ['or', { condition: 'trigger', id: 'ask' }]);
    assert.ok(names?.ask_again);
    assert.equal(names.ask_again, variables?.ask_again);
  });
});

describe('the dashboard', () => {
  it('shows entities that discovery makes', () => {
    const { components } = discoveryPayload(
      new DescribeTopics('smolvlm'),
      { name: 'porch', title: 'Front porch' },
      { version: '1' },
    ) as {
      components: Record<string, { platform: string; name: string }>;
    };
    const made = Object.values(components).map(
      ({ platform, name }) => `${platform}.front_porch_${name.toLowerCase().replaceAll(' ', '_')}`,
    );
    const text = JSON.stringify(readYaml('dashboards', 'cameras.yaml'));
    const shown = text.match(/\b(?:sensor|image|button|event)\.\w+/g) ?? [];
    assert.ok(shown.length >= 4);
    assert.deepEqual(
      shown.filter((entity) => !made.includes(entity)),
      [],
    );
  });
});
