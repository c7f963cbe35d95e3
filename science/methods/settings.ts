/** Settings of methods: their schema in a pipeline file, and their types in the code. */

/** One setting, in terms of JSON Schema. The pipeline's schema is composed from these (tools/compose-schema.ts). */
export interface Setting {
  description: string;
  type: 'number' | 'integer' | 'string' | 'boolean';
  enum?: readonly (string | number)[];
  enumDescriptions?: readonly string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  examples?: readonly unknown[];
}

export type Settings = Readonly<Record<string, Setting>>;

type Value<S extends Setting> = S['enum'] extends readonly (infer Choice)[] ? Choice : Typed<S['type']>;
/** The union of all value types if the setting's type is not known. */
type Typed<T extends Setting['type']> = T extends 'number' | 'integer' ? number : T extends 'boolean' ? boolean : string;

/** Values of settings. A setting that the file does not set is absent. */
export type Values<S extends Settings> = { -readonly [Name in keyof S]?: Value<S[Name]> };

type Both<Union> = (Union extends unknown ? (value: Union) => void : never) extends (value: infer All) => void ? All : never;
type Flat<T> = { [Key in keyof T]: T[Key] };

/** Values of the settings of all methods of a registry together. */
export type AllValues<Registry extends Record<string, { settings: Settings }>> = Flat<Both<{ [Name in keyof Registry]: Values<Registry[Name]['settings']> }[keyof Registry]>>;

/** Picks from a stage the settings that its method reads. */
export function ownSettings(known: Settings, stage: object): Values<Settings> {
  const said = Object.entries(stage) as [string, string | number | boolean | undefined][];
  return Object.fromEntries(said.filter(([name, value]) => Object.hasOwn(known, name) && value !== undefined));
}

/** Plain data that is part of a key. */
export type Identity = { [name: string]: string | number | boolean };
