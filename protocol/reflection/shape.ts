/**
 * The shapes of all messages, read by reflection from the .proto files themselves.
 *
 * Tests derive their generators from these and the synthetic vision service its results, so a message that is added
 * to a .proto file is covered without anybody listing it. Names and presence are as protobuf-ts has them in its messages.
 */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const PROTO_FOLDER = fileURLToPath(new URL('../proto', import.meta.url));

export interface MessageShape {
  /** Full name: "ocr.v1m0.TextLine". */
  readonly name: string;
  readonly fields: readonly FieldShape[];
  readonly oneofs: readonly OneofShape[];
}

export interface FieldShape {
  /** lowerCamelCase. */
  readonly name: string;
  readonly number: number;
  /** implicit: always there, its default is not sent; optional: may be undefined. Messages are always optional. */
  readonly presence: 'implicit' | 'optional' | 'repeated';
  readonly value: ValueShape;
}

export interface OneofShape {
  readonly name: string;
  readonly fields: readonly FieldShape[];
}

export type ValueShape =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly number[] }
  /** Lazy: messages may contain themselves. */
  | { readonly kind: 'message'; readonly message: () => MessageShape };

const SCALARS = [
  'double',
  'float',
  'int32',
  'uint32',
  'sint32',
  'fixed32',
  'sfixed32',
  'int64',
  'uint64',
  'sint64',
  'fixed64',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] as const;
export type Scalar = (typeof SCALARS)[number];

/** Reads every .proto file of the protocol. Resolved: types are linked to each other. */
export function loadProtoRoot(folder: string = PROTO_FOLDER): protobuf.Root {
  const root = new protobuf.Root();
  // Imports are relative to the folder of the .proto files; protobufjs carries google/protobuf itself.
  root.resolvePath = (_origin, target) => (target.startsWith('google/protobuf/') ? target : join(folder, target));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.proto'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  root.loadSync(files);
  root.resolveAll();
  return root;
}

/** The shape of every message of the given packages' own .proto files, nested messages included, by full name. */
export function messageShapes(root: protobuf.Root): ReadonlyMap<string, MessageShape> {
  const shapes = new Map<string, MessageShape>();
  const visit = (namespace: protobuf.NamespaceBase) => {
    for (const nested of namespace.nestedArray) {
      if (nested instanceof protobuf.Type) shapes.set(nameOf(nested), shapeOf(nested, shapes));
      if (nested instanceof protobuf.Namespace) visit(nested);
    }
  };
  visit(root);
  return shapes;
}

/** Full names of the messages that are a field of some other message. */
export function containedMessages(shapes: ReadonlyMap<string, MessageShape>): ReadonlySet<string> {
  const contained = new Set<string>();
  for (const shape of shapes.values()) {
    for (const { value } of [...shape.fields, ...shape.oneofs.flatMap((oneof) => oneof.fields)]) {
      if (value.kind === 'message' && value.message().name !== shape.name) contained.add(value.message().name);
    }
  }
  return contained;
}

function shapeOf(type: protobuf.Type, shapes: ReadonlyMap<string, MessageShape>): MessageShape {
  const oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
  return {
    name: nameOf(type),
    fields: type.fieldsArray
      .filter((field) => !oneofs.some((oneof) => oneof.fieldsArray.includes(field)))
      .map((field) => fieldShape(field, shapes)),
    oneofs: oneofs.map((oneof) => ({
      name: oneof.name,
      fields: oneof.fieldsArray.map((field) => fieldShape(field, shapes)),
    })),
  };
}

function fieldShape(field: protobuf.Field, shapes: ReadonlyMap<string, MessageShape>): FieldShape {
  const value = valueShape(field, shapes);
  return { name: field.name, number: field.id, presence: presenceOf(field, value), value };
}

function presenceOf(field: protobuf.Field, value: ValueShape): FieldShape['presence'] {
  if (field.map) throw new TypeError(`${field.fullName} is a map: teach the shapes about maps first`);
  if (field.repeated) return 'repeated';
  if (value.kind === 'message' || field.partOf?.isProto3Optional) return 'optional';
  return 'implicit';
}

function valueShape(field: protobuf.Field, shapes: ReadonlyMap<string, MessageShape>): ValueShape {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) {
    const name = nameOf(resolvedType);
    return { kind: 'message', message: () => shapes.get(name)! };
  }
  if (resolvedType instanceof protobuf.Enum)
    return { kind: 'enum', name: nameOf(resolvedType), values: Object.values(resolvedType.values) };
  const scalar = SCALARS.find((name) => name === field.type);
  if (scalar === undefined) throw new TypeError(`${field.fullName} is of the unknown type ${field.type}`);
  return { kind: 'scalar', scalar };
}

function nameOf(object: protobuf.ReflectionObject): string {
  return object.fullName.replace(/^\./, '');
}
