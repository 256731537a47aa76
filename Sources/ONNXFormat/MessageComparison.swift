import COnnx
package import GraphIR
import Tensors

extension ONNXFile {
  /// Everything in which the messages of two models differ; none if they are equal messages whose
  /// tensors have equal elements.
  ///
  /// The walk follows the schema's own description of its messages, so that no field is left out.
  /// Parts that have names are matched by them: nodes by their first result, tensors, values,
  /// attributes and functions by theirs.
  ///
  /// - Complexity: O(size of both models); the elements of each tensor are read once.
  package static func differences(between a: Model, and b: Model) -> [ModelDifference] {
    let (first, second) = (MessageArena(), MessageArena())
    let placement = DataPlacement(.keep, fileName: "")
    first.remembersTensors = true
    second.remembersTensors = true
    let (x, y) = (first.model(a, placement), second.model(b, placement))
    return withExtendedLifetime((first, second, a, b)) {
      var comparison = MessageComparison(first.storedTensors, second.storedTensors)
      comparison.compare(&x.pointee.base, &y.pointee.base)
      return comparison.differences
    }
  }
}

/// Walks two messages of one type at once.
private struct MessageComparison {
  private(set) var differences: [ModelDifference] = []
  private let tensorsOfA: [UnsafeRawPointer: StoredTensor]
  private let tensorsOfB: [UnsafeRawPointer: StoredTensor]
  private var path: [ModelDifference.Step] = []

  init(_ a: [UnsafeRawPointer: StoredTensor], _ b: [UnsafeRawPointer: StoredTensor]) {
    tensorsOfA = a
    tensorsOfB = b
  }

  mutating func compare(_ a: MessagePointer, _ b: MessagePointer) {
    let descriptor = a.pointee.descriptor!
    let isTensor = descriptor == tensorDescriptor
    if isTensor { compareElements(a, b) }
    for index in 0..<Int(descriptor.pointee.n_fields) {
      let field = Field(descriptor.pointee.fields[index])
      if isTensor && field.holdsElements { continue }
      if field.isRepeated {
        compareRepeated(field, a, b)
      } else {
        compareSingle(field, a, b)
      }
    }
    compareUnknown(preserved(a.pointee), preserved(b.pointee))
  }

  private mutating func compareSingle(_ field: Field, _ a: MessagePointer, _ b: MessagePointer) {
    let (x, y) = (field.isPresent(in: a), field.isPresent(in: b))
    guard x && y else {
      if x { note(field.name, .removed(field.summary(in: a))) }
      if y { note(field.name, .added(field.summary(in: b))) }
      return
    }
    if field.isMessage {
      descend(field.name, field.part(of: a), field.part(of: b))
    } else if case let (from, to) = (field.scalar(in: a, 0), field.scalar(in: b, 0)), from != to {
      note(field.name, .changed(from: from.description, to: to.description))
    }
  }

  private mutating func compareRepeated(_ field: Field, _ a: MessagePointer, _ b: MessagePointer) {
    guard field.isMessage else {
      let from = (0..<field.count(in: a)).map { field.scalar(in: a, $0) }
      let to = (0..<field.count(in: b)).map { field.scalar(in: b, $0) }
      if from != to { note(field.name, .changed(from: listing(from), to: listing(to))) }
      return
    }
    let (x, y) = (keyed(field.parts(of: a)), keyed(field.parts(of: b)))
    let inB = Dictionary(uniqueKeysWithValues: y.map { ($0.key, $0.part) })
    let keysOfA = Set(x.map(\.key))
    for (key, part) in x {
      if let other = inB[key] {
        descend(field.name, element: key, part, other)
      } else {
        note(field.name, element: key, .removed(summary(of: part)))
      }
    }
    for (key, part) in y where !keysOfA.contains(key) {
      note(field.name, element: key, .added(summary(of: part)))
    }
    let common = x.map(\.key).filter { inB[$0] != nil }
    if common != y.map(\.key).filter(keysOfA.contains) { note(field.name, .reordered) }
  }

  private mutating func compareUnknown(_ a: [PreservedField], _ b: [PreservedField]) {
    let (x, y) = (Dictionary(grouping: a, by: \.number), Dictionary(grouping: b, by: \.number))
    for number in Set(x.keys).union(y.keys).sorted() where x[number] != y[number] {
      let text = { (fields: [PreservedField]?) in
        "\(fields?.reduce(0) { $0 + $1.payload.count } ?? 0) bytes"
      }
      note("field \(number)", .changed(from: text(x[number]), to: text(y[number])))
    }
  }

  /// Compares what two tensors hold and where they keep it.
  private mutating func compareElements(_ a: MessagePointer, _ b: MessagePointer) {
    guard let x = tensorsOfA[a], let y = tensorsOfB[b] else {
      preconditionFailure("a tensor that was not written by this arena")
    }
    if x.tensor.isIdentical(to: y.tensor) {
      if x.encoding != y.encoding {
        record(.moved(from: x.encoding.description, to: y.encoding.description))
      }
    } else if x.tensor.elementType == y.tensor.elementType, x.tensor.shape == y.tensor.shape {
      record(.changed(from: x.tensor.summary, to: x.tensor.distance(to: y.tensor)))
    } else {
      record(.changed(from: x.tensor.summary, to: y.tensor.summary))
    }
    if x.declaresDefaultLocation != y.declaresDefaultLocation {
      note("data_location", x.declaresDefaultLocation ? .removed("DEFAULT") : .added("DEFAULT"))
    }
  }

  private mutating func descend(
    _ field: String, element: String? = nil, _ a: MessagePointer, _ b: MessagePointer
  ) {
    path.append(.init(field: field, element: element))
    compare(a, b)
    path.removeLast()
  }

  private mutating func note(
    _ field: String, element: String? = nil, _ change: ModelDifference.Change
  ) {
    path.append(.init(field: field, element: element))
    record(change)
    path.removeLast()
  }

  private mutating func record(_ change: ModelDifference.Change) {
    differences.append(ModelDifference(path: path, change: change))
  }
}

// MARK: Names of parts

/// The fields whose text names a message among its like.
private let namingFields: [String: [String]] = [
  "onnx.NodeProto": ["output", "name"],
  "onnx.TensorProto": ["name"],
  "onnx.ValueInfoProto": ["name"],
  "onnx.AttributeProto": ["name"],
  "onnx.StringStringEntryProto": ["key"],
  "onnx.OperatorSetIdProto": ["domain"],
  "onnx.FunctionProto": ["domain", "name", "overload"],
  "onnx.TensorAnnotation": ["tensor_name"],
  "onnx.SparseTensorProto": ["values"],
]

/// The parts with what tells each apart; a second one of a name has a number behind it that makes a
/// name of its own.
private func keyed(_ parts: [MessagePointer]) -> [(key: String, part: MessagePointer)] {
  var uses: [String: Int] = [:]
  var keys: Set<String> = []
  return parts.enumerated().map { index, part in
    let name = name(of: part) ?? String(index)
    var key = name
    while !keys.insert(key).inserted {
      let use = uses[name, default: 1] + 1
      uses[name] = use
      key = "\(name)#\(use)"
    }
    return (key, part)
  }
}

/// The name of a message among its like: of a function all that tells it apart, else the first there
/// is. The default domain's is empty.
private func name(of message: MessagePointer) -> String? {
  let descriptor = message.pointee.descriptor!
  let type = String(cString: descriptor.pointee.name)
  guard let fields = namingFields[type] else { return nil }
  let names = fields.compactMap { name -> String? in
    let field = Field(protobuf_c_message_descriptor_get_field_by_name(descriptor, name).pointee)
    guard field.isRepeated || field.isPresent(in: message) else { return nil }
    if field.isMessage { return ONNXFormat.name(of: field.part(of: message)) }
    let texts = (0..<(field.isRepeated ? field.count(in: message) : 1)).lazy.map { index in
      field.scalar(in: message, index).text
    }
    return texts.first { !$0.isEmpty }
  }
  switch type {
  case "onnx.FunctionProto": return names.joined(separator: "::")
  case "onnx.OperatorSetIdProto": return names.first ?? ""
  default: return names.first
  }
}

// MARK: Words

private func summary(of message: MessagePointer) -> String {
  let memory = UnsafeRawPointer(message)
  switch String(cString: message.pointee.descriptor.pointee.name) {
  case "onnx.NodeProto":
    return text(memory.assumingMemoryBound(to: Onnx__NodeProto.self).pointee.op_type) ?? ""
  case "onnx.TensorProto":
    let tensor = memory.assumingMemoryBound(to: Onnx__TensorProto.self).pointee
    let type = ElementType(rawValue: tensor.data_type) ?? .undefined
    return "\(type)\(list(tensor.dims, tensor.n_dims).map { Int($0) })"
  case "onnx.StringStringEntryProto":
    let entry = memory.assumingMemoryBound(to: Onnx__StringStringEntryProto.self).pointee
    return Scalar.bytes(Array((text(entry.value) ?? "").utf8)).description
  case "onnx.OperatorSetIdProto":
    return String(memory.assumingMemoryBound(to: Onnx__OperatorSetIdProto.self).pointee.version)
  default: return ""
  }
}

private func listing(_ values: [Scalar]) -> String {
  let shown = values.prefix(8).map(\.description)
  return
    "[\((shown + (values.count > 8 ? ["… \(values.count) in all"] : [])).joined(separator: ", "))]"
}

extension Tensor {
  fileprivate var summary: String { "\(elementType)\(shape)" }

  /// How far a tensor of the same type and shape is from this one.
  fileprivate func distance(to other: Tensor) -> String {
    if let strings, let others = other.strings {
      return "\(zip(strings, others).count { $0 != $1 }) of \(strings.count) strings differ"
    }
    let width = elementType.bitWidth! / 8
    guard width > 0 else { return "other elements" }
    var differing = 0
    for offset in stride(from: 0, to: byteCount, by: width) {
      let range = offset..<offset + width
      if !region.bytes[range].elementsEqual(other.region.bytes[range]) { differing += 1 }
    }
    let count = "\(differing) of \(count) elements differ"
    let largest: Double
    switch elementType {
    case .float: largest = largestDifference(from: other, as: Float.self)
    case .double: largest = largestDifference(from: other, as: Double.self)
    default: return count
    }
    return "\(count), by at most \(Float(largest))"
  }

  private func largestDifference<Element: TensorElement & BinaryFloatingPoint>(
    from other: Tensor, as type: Element.Type
  ) -> Double {
    withElements(of: type) { a in
      other.withElements(of: type) { b in
        var largest = 0.0
        for index in a.indices where a[index] != b[index] {
          let difference = abs(Double(a[index]) - Double(b[index]))
          // A NaN on either side is as far as can be.
          largest = max(largest, difference.isNaN ? .infinity : difference)
        }
        return largest
      }
    }
  }
}

extension TensorEncoding: CustomStringConvertible {
  /// Where the elements are kept, as the specification calls it.
  package var description: String {
    switch self {
    case .raw: "raw_data"
    case .typed: "typed data"
    case .external(let entries):
      "external_data "
        + entries.map { "\($0.key ?? "")=\($0.value ?? "")" }.joined(separator: " ")
    }
  }
}
