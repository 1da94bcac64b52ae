/**
 * Sets environment variables of this process. `process.env` itself must stay: an object in its place is not seen by
 * native libraries, nor by the tests that follow.
 * @returns a function that restores what they were
 */
export function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const saved = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
