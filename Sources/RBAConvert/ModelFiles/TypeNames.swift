import GraphIR
import Tensors

extension ValueType {
  /// The type as the specification writes it, such as `seq(tensor(float))`.
  var specificationName: String {
    switch self {
    case .tensor(let type): "tensor(\(type.elementType))"
    case .sparseTensor(let type): "sparse_tensor(\(type.elementType))"
    case .sequence(let element): "seq(\(element.specificationName))"
    case .optional(let element): "optional(\(element.specificationName))"
    case .map(let key, let value): "map(\(key), \(value.specificationName))"
    case .opaque(let domain, let name): "opaque(\(domain), \(name))"
    }
  }
}

extension RuntimeValue {
  /// The type as the specification writes it, as far as the value tells.
  var specificationName: String {
    switch self {
    case .tensor(let tensor): "tensor(\(tensor.elementType))"
    case .sequence(let elements): "seq(\(elements.first?.specificationName ?? "?"))"
    case .optional(let value): "optional(\(value?.specificationName ?? "?"))"
    }
  }
}

extension PortReport {
  /// What a model declares of a value.
  init(name: String, declared type: ValueType?) {
    switch type {
    case .tensor(let type)?:
      self.init(
        name: name, type: type.elementType.description, shape: shapeText(type.shape))
    case let type?: self.init(name: name, type: type.specificationName, shape: [])
    case nil: self.init(name: name, type: "unknown", shape: shapeText(nil))
    }
  }

  /// What a value is, and where that is no tensor, what the model declares of it.
  init(name: String, _ value: RuntimeValue, declared type: ValueType?) {
    if case .tensor(let tensor) = value {
      self.init(
        name: name, type: tensor.elementType.description, shape: tensor.shape.map(String.init))
    } else {
      self.init(
        name: name, type: type?.specificationName ?? value.specificationName, shape: [])
    }
  }
}
