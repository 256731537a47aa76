/// Operators of the domain `com.microsoft` that onnxruntime's optimiser writes. One line each.
package let microsoftOperators: [any Operator.Type] = []
