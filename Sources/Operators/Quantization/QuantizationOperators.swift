/// Operators that quantise, dequantise, or compute on quantised tensors. One line each.
package let quantizationOperators: [any Operator.Type] = []
