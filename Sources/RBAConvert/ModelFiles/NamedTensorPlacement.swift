import GraphIR
import ONNXFormat
import SafetensorsFormat
import Tensors

/// The entries with which a message points to a tensor by its name.
enum NamedTensorEntry {
  static let tensor = "tensor"
  static let encoding = "encoding"
  static let dataLocation = "data_location"
  static let raw = "raw"
  static let typed = "typed"
  static let inside = "default"
}

/// Takes tensors out of a message and gives each a name of its own.
final class NamedTensorPlacement: TensorPlacement {
  /// What was taken out, in the order of the message.
  private(set) var tensors: [(name: String, tensor: Tensor)] = []
  private let initializers: [ExactText: StoredTensor]
  /// The outputs of `Constant` nodes, by what they hold.
  private var constants: [Contents: String] = [:]
  /// Names that are taken, or kept for tensors yet to come.
  private var names: Set<ExactText> = [reservedName]
  private var placed: [Contents: String] = [:]
  private var counters: [ExactText: Int] = [:]

  /// Smaller tensors stay in the message, unless they are initializers: a name costs as much.
  static let threshold = 1024
  private static let reservedName = ExactText("__metadata__")
  /// The field of a tensor that describes external data.
  private static let externalDataField = 13

  /// Which bytes a tensor holds, and as what.
  private struct Contents: Hashable {
    let place: ByteRegion.Place
    let type: ElementType
    let shape: [Int]

    init(_ tensor: Tensor) {
      place = tensor.region.place
      type = tensor.elementType
      shape = tensor.shape
    }
  }

  /// A placement for a model with the main graph `graph`.
  init(_ graph: Graph) {
    var initializers: [ExactText: StoredTensor] = [:]
    for value in graph.initializers {
      let name = ExactText(graph[value].name)
      if !name.text.isEmpty, names.insert(name).inserted {
        initializers[name] = graph.initializer(value)
      }
    }
    self.initializers = initializers
    for (_, node) in graph.nodes where node.is("Constant") {
      guard case .tensor(let stored)? = node[attribute: "value"], let output = node.outputs.first,
        let output, names.insert(ExactText(graph[output].name)).inserted
      else { continue }
      constants[Contents(stored.tensor)] = graph[output].name
    }
  }

  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding {
    let isExternal = if case .external = stored.encoding { true } else { false }
    let inside: TensorEncoding = isExternal ? .raw : stored.encoding
    // Leftover entries of a tensor inside would mix with those that point to it.
    guard !stored.preserved.contains(where: { $0.number == Self.externalDataField }) else {
      return inside
    }
    let contents = Contents(stored.tensor)
    let place: String
    if let name, let initializer = initializers[ExactText(name)],
      Contents(initializer.tensor) == contents
    {
      place = self.place(stored.tensor, contents, as: name)
    } else if stored.tensor.byteCount < Self.threshold {
      return inside
    } else if let name = constants[contents] {
      place = self.place(stored.tensor, contents, as: name)
    } else {
      place = self.place(stored.tensor, hint: name ?? "")
    }
    var entries = [
      MetadataEntry(key: NamedTensorEntry.tensor, value: place),
      MetadataEntry(
        key: NamedTensorEntry.encoding,
        value: inside == .typed ? NamedTensorEntry.typed : NamedTensorEntry.raw),
    ]
    if stored.declaresDefaultLocation {
      entries.append(
        MetadataEntry(key: NamedTensorEntry.dataLocation, value: NamedTensorEntry.inside))
    }
    return .external(entries)
  }

  /// Puts `tensor` under a name made of `hint` that nothing else has, and returns the name.
  func place(_ tensor: Tensor, hint: String) -> String {
    let contents = Contents(tensor)
    if let name = placed[contents], tensor.byteCount > 0 { return name }
    let stem = hint.isEmpty ? "constant" : hint
    var name = stem
    while !names.insert(ExactText(name)).inserted {
      counters[ExactText(stem), default: 1] += 1
      name = "\(stem)#\(counters[ExactText(stem)]!)"
    }
    return place(tensor, contents, as: name)
  }

  /// Bytes that several tensors share are put down once.
  private func place(_ tensor: Tensor, _ contents: Contents, as name: String) -> String {
    if let other = placed[contents], tensor.byteCount > 0 { return other }
    placed[contents] = name
    tensors.append((name, SafetensorsFile.storableForm(of: tensor)))
    return name
  }
}

/// Finds the tensors of a message by their names.
final class NamedTensorSource: ExternalTensorSource {
  private let tensors: [ExactText: Tensor]
  /// The names that were asked for.
  private(set) var used: Set<ExactText> = []

  init(_ tensors: [(name: String, tensor: Tensor)]) {
    self.tensors = Dictionary(tensors.map { (ExactText($0.name), $0.tensor) }) { first, _ in first }
  }

  /// The tensor called `name`, which is in use from now on.
  func use(_ name: String) -> Tensor? {
    used.insert(ExactText(name))
    return tensors[ExactText(name)]
  }

  func region(_ entries: [MetadataEntry], byteCount: Int) throws(FormatError) -> ByteRegion {
    let reference = try Reference(entries)
    guard let tensor = use(reference.name) else {
      throw FormatError(
        .externalEntry, "expected a tensor '\(reference.name.shown)' in the file, got none")
    }
    guard tensor.byteCount == byteCount else {
      throw FormatError(
        .dataSize,
        "tensor '\(reference.name.shown)': expected \(byteCount) bytes, "
          + "got \(tensor.elementType)\(tensor.shape)")
    }
    return tensor.region
  }

  func settle(_ stored: inout StoredTensor) throws(FormatError) {
    guard case .external(let entries) = stored.encoding else { return }
    let reference = try Reference(entries)
    let expected = SafetensorsFile.storableForm(of: stored.tensor)
    guard let tensor = tensors[ExactText(reference.name)],
      tensor.elementType == expected.elementType,
      tensor.shape == expected.shape
    else {
      let got = tensors[ExactText(reference.name)].map { "\($0.elementType)\($0.shape)" } ?? "none"
      throw FormatError(
        .elementType,
        "tensor '\(reference.name.shown)': expected \(expected.elementType)\(expected.shape), "
          + "got \(got)")
    }
    stored.encoding = reference.encoding
    stored.declaresDefaultLocation = reference.declaresDefaultLocation
  }
}

/// What a message's entries say of a tensor that lies in the file.
private struct Reference {
  var name: String
  var encoding: TensorEncoding
  var declaresDefaultLocation: Bool

  init(_ entries: [MetadataEntry]) throws(FormatError) {
    var values: [String: String] = [:]
    for entry in entries {
      let key = entry.key ?? ""
      guard values.updateValue(entry.value ?? "", forKey: key) == nil else {
        throw FormatError(.externalEntry, "a tensor has the entry '\(key.shown)' twice")
      }
    }
    guard let name = values.removeValue(forKey: NamedTensorEntry.tensor) else {
      throw FormatError(.externalEntry, "a tensor outside the message without the entry 'tensor'")
    }
    self.name = name
    switch values.removeValue(forKey: NamedTensorEntry.encoding) {
    case NamedTensorEntry.raw: encoding = .raw
    case NamedTensorEntry.typed: encoding = .typed
    case let other:
      throw FormatError(
        .externalEntry,
        "entry 'encoding': expected 'raw' or 'typed', got \(other.map { "'\($0.shown)'" } ?? "none")"
      )
    }
    switch values.removeValue(forKey: NamedTensorEntry.dataLocation) {
    case nil: declaresDefaultLocation = false
    case NamedTensorEntry.inside: declaresDefaultLocation = true
    case let other?:
      throw FormatError(
        .externalEntry, "entry 'data_location': expected 'default', got '\(other.shown)'")
    }
    if let key = values.keys.min() {
      throw FormatError(.externalEntry, "a tensor has an entry '\(key.shown)' of no meaning")
    }
  }
}
