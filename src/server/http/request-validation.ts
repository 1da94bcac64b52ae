import { createRequire } from 'node:module';
import type { FastifyServerOptions } from 'fastify';

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>;
type Compilers = Required<NonNullable<SchemaController['compilersFactory']>>;

/** As Fastify uses it: the errors of the last value stand at the function. */
interface Validator {
  (value: unknown): unknown;
  errors?: unknown;
}
interface Route {
  readonly schema: object;
}
type Compiler = (route: Route) => Validator;
type CompilerFactory = (...options: readonly unknown[]) => Compiler;

/** Fastify's own compilers are its dependencies, not ours. */
const requireOfFastify = createRequire(require.resolve('fastify'));

function compilerFactory(name: string): CompilerFactory {
  return (requireOfFastify(name) as () => CompilerFactory)();
}

/** Of every server in this process: they have the same options, and no schema refers to one of its server. */
const compiled = new WeakMap<object, Validator>();

/**
 * Fastify's validation, but the first request that needs it loads Ajv and compiles the route's schema, once for all
 * servers of the process. At the start of an engine they would take a third of its processor time.
 */
const buildValidator: CompilerFactory = (...options) => {
  let compile: Compiler | undefined;
  const compileOnce = (route: Route): Validator => {
    const known = compiled.get(route.schema);
    if (known) return known;
    compile ??= compilerFactory('@fastify/ajv-compiler')(...options);
    const validate = compile(route);
    compiled.set(route.schema, validate);
    return validate;
  };
  return (route) => {
    let validate: Validator | undefined;
    const validator: Validator = (value) => {
      validate ??= compileOnce(route);
      const result = validate(value);
      validator.errors = validate.errors;
      return result;
    };
    return validator;
  };
};

/** No route has a schema for its answers, so that this one is not loaded either. */
const buildSerializer: CompilerFactory = (...options) =>
  compilerFactory('@fastify/fast-json-stringify-compiler')(...options);

/** @see buildValidator */
export const lazyValidation = {
  compilersFactory: {
    buildValidator: buildValidator as Compilers['buildValidator'],
    buildSerializer: buildSerializer as Compilers['buildSerializer'],
  },
} satisfies SchemaController;
