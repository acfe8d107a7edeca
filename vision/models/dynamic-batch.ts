/**
 * Makes a model whose batch is fixed at one take any number of samples in a run.
 *
 * Converters write the batch of one into three places: the shapes of inputs and outputs, the target shapes of Reshape, and
 * the shapes of constant padding that is concatenated to a sample. Each is made to follow the input; weights and
 * arithmetic stay as they are, so a sample's outputs do not depend on its neighbours.
 */
import { ModelUnavailable } from '../inference/errors.ts';
import { ATTRIBUTE_INT, INT64, type OnnxGraph, OnnxModel, type OnnxNode, type OnnxTensor } from './onnx-graph.ts';

const BATCH = 'batch';
/** Names of what is added; no converter makes such names. */
const BATCH_SIZE = 'sluice_batch_size';
const FIRST = 'sluice_first';

/**
 * @param content an .onnx file whose only input is a tensor with the batch first
 * @returns the same bytes where the batch is free already
 * @throws {ModelUnavailable} the file is no such model
 */
export function withDynamicBatch(content: Uint8Array): Uint8Array {
  const model = OnnxModel.fromBinary(content);
  const { graph } = model;
  const [input, ...others] = graph?.input.filter(({ name }) => !isConstant(graph, name)) ?? [];
  const first = input?.type?.tensorType?.shape?.dim[0];
  if (graph === undefined || input === undefined || first === undefined || others.length > 0)
    throw new ModelUnavailable('a dynamic batch needs a model with one tensor as its input');
  if (first.value.oneofKind !== 'dimValue') return content;
  if (first.value.dimValue !== 1)
    throw new ModelUnavailable(`the batch of the model is fixed at ${first.value.dimValue}, not at one`);
  for (const value of [...graph.input, ...graph.output]) {
    const dimension = value.type?.tensorType?.shape?.dim[0];
    if (dimension !== undefined) dimension.value = { oneofKind: 'dimParam', dimParam: BATCH };
  }
  graph.valueInfo = [];
  freeReshapes(graph);
  freePadding(graph, input.name);
  return OnnxModel.toBinary(model);
}

/** In a Reshape a first dimension of 0 means 'as it comes in'. Constants are copied: another node may share them. */
function freeReshapes(graph: OnnxGraph): void {
  for (const [n, node] of graph.node.entries()) {
    const shape = node.opType === 'Reshape' ? integersOf(graph, node.input[1]) : undefined;
    if (shape === undefined || shape[0] !== 1) continue;
    const name = `sluice_shape_${n}`;
    graph.initializer.push(integers(name, [0, ...shape.slice(1)]));
    node.input[1] = name;
  }
}

/** Constant padding of shape [1, …] becomes [batch, …], the batch being read off the model's input. */
function freePadding(graph: OnnxGraph, input: string): void {
  const added: OnnxNode[] = [];
  for (const [n, node] of graph.node.entries()) {
    const shape = node.opType === 'ConstantOfShape' ? integersOf(graph, node.input[0]) : undefined;
    if (shape === undefined || shape[0] !== 1 || shape.length < 2) continue;
    const [rest, whole] = [`sluice_rest_${n}`, `sluice_padding_${n}`];
    graph.initializer.push(integers(rest, shape.slice(1)));
    added.push(operation('Concat', [BATCH_SIZE, rest], whole, 0));
    node.input[0] = whole;
  }
  if (added.length === 0) return;
  graph.initializer.push(integers(FIRST, [0]));
  const shape = `${BATCH_SIZE}_of`;
  // Nodes stand in the order of their execution, and these depend on the input alone.
  graph.node.unshift(operation('Shape', [input], shape), operation('Gather', [shape, FIRST], BATCH_SIZE, 0), ...added);
}

function isConstant(graph: OnnxGraph, name: string): boolean {
  return graph.initializer.some((tensor) => tensor.name === name);
}

function integersOf(graph: OnnxGraph, name: string | undefined): number[] | undefined {
  const tensor = graph.initializer.find((candidate) => candidate.name === name);
  if (tensor === undefined || tensor.dataType !== INT64) return undefined;
  if (tensor.rawData.length === 0) return tensor.int64Data;
  const view = new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset, tensor.rawData.byteLength);
  return Array.from({ length: tensor.rawData.length / 8 }, (_, n) => Number(view.getBigInt64(n * 8, true)));
}

function integers(name: string, values: number[]): OnnxTensor {
  return { name, dims: [values.length], dataType: INT64, int64Data: values, rawData: new Uint8Array() };
}

function operation(opType: string, input: string[], output: string, axis?: number): OnnxNode {
  const attribute = axis === undefined ? [] : [{ name: 'axis', i: axis, type: ATTRIBUTE_INT }];
  return { opType, input, output: [output], name: `sluice_make_${output}`, attribute };
}
