/// Operators that quantise, dequantise, or compute on quantised tensors. One line each.
package let quantizationOperators: [any Operator.Type] = [
  ConvInteger.self,
  DequantizeLinear.self,
  DynamicQuantizeLinear.self,
  MatMulInteger.self,
  QLinearConv.self,
  QLinearMatMul.self,
  QuantizeLinear.self,
]
