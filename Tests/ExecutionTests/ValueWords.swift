import GraphIR
import Tensors

/// A value in one line: a tensor as its type and elements, a sequence in round brackets.
func words(_ value: RuntimeValue?) -> String {
  switch value {
  case nil: "nothing"
  case .tensor(let tensor)?: words(tensor)
  case .sequence(let elements)?: "(" + elements.map { words($0) }.joined(separator: "; ") + ")"
  case .optional(let held)?: "<\(held.map { words($0) } ?? "")>"
  }
}

private func words(_ tensor: Tensor) -> String {
  let elements: [String] =
    switch tensor.elementType {
    case .float: tensor.elements(as: Float.self).map { $0.formattedShort }
    case .bool: tensor.elements(as: Bool.self).map { "\($0)" }
    case .string: (tensor.strings ?? []).map { String(decoding: $0, as: UTF8.self) }
    default: (tensor.integers ?? []).map { "\($0)" }
    }
  return (["\(tensor.elementType)\(tensor.shape)"] + elements).joined(separator: " ")
}

extension Float {
  fileprivate var formattedShort: String {
    self == rounded() && abs(self) < 1e6 ? "\(Int(self))" : "\(self)"
  }
}

extension RuntimeValue {
  static func floats(_ values: [Float], _ shape: [Int]? = nil) -> RuntimeValue {
    .tensor(Tensor(values, shape: shape))
  }
  static func integer(_ value: Int64) -> RuntimeValue { .tensor(Tensor([value], shape: [])) }
  static func flag(_ value: Bool) -> RuntimeValue { .tensor(Tensor([value], shape: [])) }
}
