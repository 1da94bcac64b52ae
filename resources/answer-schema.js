// The part of JSON Schema that answers can be held to, checked while it is typed; the runtime checks it again.
window.smolvlm = window.smolvlm || {};

(() => {
  const keywords = {
    string: ['maxLength'],
    integer: ['minimum', 'maximum'],
    number: [],
    boolean: [],
    array: ['items', 'minItems', 'maxItems'],
    object: ['properties', 'required', 'additionalProperties'],
  };
  const notes = ['title', 'description', '$schema'];
  const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const fault = (path, expected) => ({ path, expected });

  /**
   * @param {string} text
   * @returns {{path: string, expected: string} | null} where the first fault is, and what is expected there
   */
  window.smolvlm.answerSchemaFault = (text) => {
    try {
      return faultOf(JSON.parse(text), 'schema');
    } catch (error) {
      return fault('JSON', `text that parses (${error.message})`);
    }
  };

  function faultOf(schema, path) {
    if (!isRecord(schema)) return fault(path, '{"type": …}');
    if (schema.enum !== undefined) return faultOfEnum(schema, path);
    const allowed = keywords[schema.type];
    if (!allowed) return fault(`${path}.type`, `${Object.keys(keywords).join(', ')}`);
    const unknown = Object.keys(schema).find((key) => ![...allowed, 'type', ...notes].includes(key));
    if (unknown !== undefined) return fault(`${path}.${unknown}`, ['type', ...allowed, ...notes].join(', '));
    const notWhole = allowed.find(
      (key) => /^m(in|ax)/.test(key) && schema[key] !== undefined && !Number.isInteger(schema[key]),
    );
    if (notWhole) return fault(`${path}.${notWhole}`, '0, 1, 2, …');
    if (schema.type === 'array') return faultOf(schema.items, `${path}.items`);
    if (schema.type !== 'object') return null;
    if (!isRecord(schema.properties) || Object.keys(schema.properties).length === 0)
      return fault(`${path}.properties`, '{"name": {"type": …}}');
    for (const [name, property] of Object.entries(schema.properties)) {
      const found = faultOf(property, `${path}.properties.${name}`);
      if (found) return found;
    }
    return null;
  }

  function faultOfEnum(schema, path) {
    const usable = Array.isArray(schema.enum) && schema.enum.length > 0;
    if (!usable || schema.enum.some((value) => value !== null && typeof value === 'object'))
      return fault(`${path}.enum`, '["a", "b"]');
    const unknown = Object.keys(schema).find((key) => !['type', 'enum', ...notes].includes(key));
    return unknown === undefined ? null : fault(`${path}.${unknown}`, ['enum', ...notes].join(', '));
  }
})();
