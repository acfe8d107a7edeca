/**
 * The parts of an ONNX model file that this project reads or rewrites, as protobuf messages.
 *
 * Field numbers are those of onnx.proto. Everything that is not named here is kept as it came: the runtime carries
 * unknown fields from reading to writing.
 */
import { LongType, MessageType, type PartialFieldInfo, RepeatType, ScalarType } from '@protobuf-ts/runtime';

export interface OnnxDimension {
  value:
    | { oneofKind: 'dimValue'; dimValue: number }
    | { oneofKind: 'dimParam'; dimParam: string }
    | { oneofKind: undefined };
}

/** A graph's input or output; `type` is a tensor's in all models here. */
export interface OnnxValue {
  name: string;
  type?: { tensorType?: { shape?: { dim: OnnxDimension[] } } };
}

/** Constant numbers. 64-bit integers lie in `int64Data` or, little-endian, in `rawData`. */
export interface OnnxTensor {
  dims: number[];
  dataType: number;
  int64Data: number[];
  name: string;
  rawData: Uint8Array;
}

export interface OnnxAttribute {
  name: string;
  /** Of integer attributes. */
  i: number;
  type: number;
}

export interface OnnxNode {
  input: string[];
  output: string[];
  name: string;
  opType: string;
  attribute: OnnxAttribute[];
}

export interface OnnxGraph {
  node: OnnxNode[];
  initializer: OnnxTensor[];
  input: OnnxValue[];
  output: OnnxValue[];
  /** Shapes of what lies in between, which runtimes can infer themselves. */
  valueInfo: OnnxValue[];
}

export interface OnnxModel {
  graph?: OnnxGraph;
}

/** TensorProto.DataType.INT64 and AttributeProto.AttributeType.INT. */
export const INT64 = 7;
export const ATTRIBUTE_INT = 2;

const { INT32, INT64: LONG, STRING, BYTES } = ScalarType;
const scalar = (no: number, name: string, T: ScalarType): PartialFieldInfo =>
  T === LONG ? { no, name, kind: 'scalar', T, L: LongType.NUMBER } : { no, name, kind: 'scalar', T };
const strings = (no: number, name: string): PartialFieldInfo => ({
  no,
  name,
  kind: 'scalar',
  T: STRING,
  repeat: RepeatType.UNPACKED,
});
const longs = (no: number, name: string): PartialFieldInfo => ({
  no,
  name,
  kind: 'scalar',
  T: LONG,
  L: LongType.NUMBER,
  repeat: RepeatType.PACKED,
});
// biome-ignore lint/suspicious/noExplicitAny: the fields of one kind are declared for every message.
const message = (no: number, name: string, T: () => MessageType<any>): PartialFieldInfo => ({
  no,
  name,
  kind: 'message',
  T,
});
// biome-ignore lint/suspicious/noExplicitAny: as above.
const messages = (no: number, name: string, T: () => MessageType<any>): PartialFieldInfo => ({
  no,
  name,
  kind: 'message',
  repeat: RepeatType.UNPACKED,
  T,
});

const Dimension = new MessageType<OnnxDimension>('onnx.TensorShapeProto.Dimension', [
  { no: 1, name: 'dim_value', kind: 'scalar', T: LONG, L: LongType.NUMBER, oneof: 'value' },
  { no: 2, name: 'dim_param', kind: 'scalar', T: STRING, oneof: 'value' },
]);
const Shape = new MessageType<{ dim: OnnxDimension[] }>('onnx.TensorShapeProto', [messages(1, 'dim', () => Dimension)]);
const TensorType = new MessageType<object>('onnx.TypeProto.Tensor', [message(2, 'shape', () => Shape)]);
const ValueType = new MessageType<object>('onnx.TypeProto', [message(1, 'tensor_type', () => TensorType)]);
const Value = new MessageType<OnnxValue>('onnx.ValueInfoProto', [
  scalar(1, 'name', STRING),
  message(2, 'type', () => ValueType),
]);
const TensorConstant = new MessageType<OnnxTensor>('onnx.TensorProto', [
  longs(1, 'dims'),
  scalar(2, 'data_type', INT32),
  longs(7, 'int64_data'),
  scalar(8, 'name', STRING),
  scalar(9, 'raw_data', BYTES),
]);
const Attribute = new MessageType<OnnxAttribute>('onnx.AttributeProto', [
  scalar(1, 'name', STRING),
  scalar(3, 'i', LONG),
  scalar(20, 'type', INT32),
]);
const Node = new MessageType<OnnxNode>('onnx.NodeProto', [
  strings(1, 'input'),
  strings(2, 'output'),
  scalar(3, 'name', STRING),
  scalar(4, 'op_type', STRING),
  messages(5, 'attribute', () => Attribute),
]);
const Graph = new MessageType<OnnxGraph>('onnx.GraphProto', [
  messages(1, 'node', () => Node),
  messages(5, 'initializer', () => TensorConstant),
  messages(11, 'input', () => Value),
  messages(12, 'output', () => Value),
  messages(13, 'value_info', () => Value),
]);
export const OnnxModel = new MessageType<OnnxModel>('onnx.ModelProto', [message(7, 'graph', () => Graph)]);
