import COnnx
package import GraphIR
package import Tensors

/// Reads and writes files of the ONNX format.
package enum ONNXFile {
  /// Where a written model keeps its tensors.
  package enum ExternalData: Sendable, Hashable {
    /// Each where it was: external ones stay in their file, or are copied if that is out of reach.
    case keep
    /// All in the model.
    case inline
    /// The large ones in a file of this name beside the model.
    case file(String)
  }

  /// Models above this size keep their tensors in a data file: protobuf readers accept no more.
  package static let maximumModelSize = Int(Int32.max)

  /// The newest version of the format whose every part the reader knows.
  package static let newestIRVersion: Int64 = 14

  /// Reads the model at `path`; its tensors stay in the mapped file.
  ///
  /// `externalDataDirectory` is a folder to look for external data in, beside the model's own. A
  /// model of an IR version above `newestIRVersion` is read too: what it has that this program does
  /// not know is kept.
  ///
  /// - Throws: `FormatError` for the first fault found.
  package static func read(
    path: String, externalDataDirectory: String? = nil
  ) throws(FormatError) -> Model {
    try read(try map(path), externalDataDirectory: externalDataDirectory)
  }

  /// Reads the model in `file`, which is mapped no second time.
  ///
  /// - Throws: `FormatError` for the first fault found.
  package static func read(
    _ file: MappedFile, externalDataDirectory: String? = nil
  ) throws(FormatError) -> Model {
    let external = ExternalDataFiles(modelPath: file.path, directory: externalDataDirectory)
    do throws(FormatError) {
      var model = try decode(file.region, external: external)
      model.externalFiles = external.files
      return model
    } catch { throw error.inside(file: file.path) }
  }

  /// Reads a model from its encoded message, where the tensors that lie in it stay.
  ///
  /// - Throws: `FormatError` for the first fault found.
  package static func decode(
    _ region: ByteRegion, external: any ExternalTensorSource
  ) throws(FormatError) -> Model {
    guard !region.bytes.starts(with: "version https://git-lfs.github.com/spec/".utf8) else {
      throw FormatError(
        .missingPart, "expected a model, got the pointer that Git LFS leaves in place of one")
    }
    let arena = MessageArena()
    var message = Onnx__ModelProto()
    onnx__model_proto__init(&message)
    let unpacked = try arena.unpack(region.bytes, as: message.base.descriptor)
    let proto = UnsafeRawPointer(unpacked.message).assumingMemoryBound(to: Onnx__ModelProto.self)
    let tensors = TensorReader(file: region, data: unpacked.tensorData, external: external)
    let reader = GraphReader(
      tensors: tensors, isNewer: proto.pointee.ir_version > newestIRVersion)
    return try withExtendedLifetime((arena, region)) { () throws(FormatError) in
      try reader.model(proto.pointee)
    }
  }

  /// Writes `model` and its data file, if it has one: they appear together or not at all.
  ///
  /// What would be larger than `maximumModelSize` gets a data file in any case. A `checksum` of
  /// external data, which is one of its whole file, is kept with data that stays in place and
  /// dropped with data that moves.
  ///
  /// - Returns: the paths of what was written, the model's first.
  /// - Throws: `FormatError` if a file cannot be written, with `.overwritesInput` if it is one that
  ///   the model's external data is read from.
  @discardableResult
  package static func write(
    _ model: Model, to path: String, overwriting: Bool, externalData: ExternalData = .keep
  ) throws(FormatError) -> [String] {
    let layout = try Layout(model, path, externalData)
    let placement = layout.placement
    // Beside the file itself where the path is a link, so that both paths lead to it.
    let folder = FilePath.folder(of: FilePath.canonical(path) ?? path)
    let dataPath = "\(folder)/\(layout.dataFileName)"
    try model.checkIsNoSource(path)
    if !placement.regions.isEmpty { try model.checkIsNoSource(dataPath) }
    try withExtendedLifetime((layout.arena, model)) { () throws(FormatError) in
      var companions: [FinishedFile] = []
      if !placement.regions.isEmpty {
        companions.append(try finish(placement, to: dataPath, overwriting: overwriting))
      }
      let file = try finish(&layout.message.pointee.base, to: path, overwriting: overwriting)
      do throws(FileError) { try file.publish(after: companions) } catch {
        throw FormatError(error)
      }
    }
    return placement.regions.isEmpty ? [path] : [path, dataPath]
  }

  /// What `write` makes of `model`: the bytes of the file and of its data file, and of what stays in
  /// other files.
  ///
  /// - Throws: `FormatError` if the model is too large to be written.
  package static func byteCount(
    of model: Model, at path: String, externalData: ExternalData = .keep
  ) throws(FormatError) -> Int {
    let layout = try Layout(model, path, externalData)
    return withExtendedLifetime((layout.arena, model)) {
      saturatingSum(layout.messageByteCount, layout.placement.byteCountOutside)
    }
  }

  /// Where a model that is written to `path` keeps its tensors, but for what is too large to be a message.
  package static func placement(
    _ externalData: ExternalData, at path: String
  ) -> any TensorPlacement {
    switch externalData {
    case .keep: DataPlacement(.keep, fileName: FilePath.name(of: path))
    case .inline: DataPlacement(.inline, fileName: FilePath.name(of: path))
    case .file(let name): DataPlacement(.file, fileName: name)
    }
  }

  /// The encoded message of `model`; `placement` says which tensors it leaves out.
  ///
  /// - Throws: `FormatError` if the message is larger than `maximumModelSize`.
  package static func encode(
    _ model: Model, placement: any TensorPlacement
  ) throws(FormatError) -> [UInt8] {
    let arena = MessageArena()
    let message = arena.model(model, placement)
    return try withExtendedLifetime((arena, model)) { () throws(FormatError) in
      let size = protobuf_c_message_get_packed_size(&message.pointee.base)
      guard size <= maximumModelSize else { throw tooLarge(size) }
      return packed(&message.pointee.base)
    }
  }

  fileprivate static func tooLarge(_ size: Int) -> FormatError {
    FormatError(.unwritable, "the model takes \(size) bytes without its external data")
  }

  static func map(_ path: String) throws(FormatError) -> MappedFile {
    do { return try MappedFile(path: path) } catch { throw FormatError(error) }
  }
}

/// What a file is to hold, before it is written. Valid while its arena and its model live.
private struct Layout {
  let arena: MessageArena
  let message: UnsafeMutablePointer<Onnx__ModelProto>
  let messageByteCount: Int
  let placement: DataPlacement
  let dataFileName: String

  init(
    _ model: Model, _ path: String, _ externalData: ONNXFile.ExternalData
  ) throws(FormatError) {
    let ownName = FilePath.name(of: path)
    var fileName = "\(ownName).data"
    var policy: DataPlacement.Policy
    switch externalData {
    case .keep: policy = model.isReachable(from: path) ? .keep : .move
    case .inline: policy = .inline
    case .file(let name):
      guard FilePath.isFileName(name), name != ownName else {
        throw FormatError(
          .externalLocation, "expected the name of a data file, got '\(name.shown)'")
      }
      fileName = name
      policy = .file
    }
    var arena = MessageArena()
    var placement = DataPlacement(policy, fileName: fileName)
    var message = arena.model(model, placement)
    var size = protobuf_c_message_get_packed_size(&message.pointee.base)
    if size > ONNXFile.maximumModelSize {
      policy = policy == .keep ? .spill : .file
      arena = MessageArena()
      placement = DataPlacement(policy, fileName: fileName)
      message = arena.model(model, placement)
      size = protobuf_c_message_get_packed_size(&message.pointee.base)
      guard size <= ONNXFile.maximumModelSize else {
        throw ONNXFile.tooLarge(size).inside(file: path)
      }
    }
    self.arena = arena
    self.message = message
    self.placement = placement
    messageByteCount = size
    dataFileName = fileName
  }
}

// MARK: Streams

extension ONNXFile {
  private static func finish(
    _ placement: DataPlacement, to path: String, overwriting: Bool
  ) throws(FormatError) -> FinishedFile {
    do throws(FileError) {
      var file = try AtomicFile(companion: path, overwriting: overwriting)
      for (offset, region) in placement.regions {
        try file.write([UInt8](repeating: 0, count: offset - file.byteCount))
        try file.write(region.bytes)
      }
      return try file.finish()
    } catch { throw FormatError(error) }
  }

  static func finish(
    _ message: UnsafeMutablePointer<ProtobufCMessage>, to path: String, overwriting: Bool
  ) throws(FormatError) -> FinishedFile {
    do throws(FileError) {
      var stream = MessageStream(
        base: ProtobufCBuffer(append: { stream, count, bytes in
          stream!.withMemoryRebound(to: MessageStream.self, capacity: 1) {
            $0.pointee.append(UnsafeRawBufferPointer(start: bytes, count: count))
          }
        }),
        file: try AtomicFile(path: path, overwriting: overwriting))
      withUnsafeMutablePointer(to: &stream) { stream in
        stream.withMemoryRebound(to: ProtobufCBuffer.self, capacity: 1) {
          _ = protobuf_c_message_pack_to_buffer(message, $0)
        }
      }
      if let failure = stream.failure { throw failure }
      return try stream.file.finish()
    } catch { throw FormatError(error) }
  }
}

/// What protobuf-c packs into; the C part stands first.
private struct MessageStream: ~Copyable {
  var base: ProtobufCBuffer
  var file: AtomicFile
  var failure: FileError?

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard failure == nil else { return }
    do throws(FileError) { try file.write(bytes) } catch { failure = error }
  }
}

// MARK: External data in place

extension Model {
  /// Whether every external tensor lies where its entries lead, seen from a model at `path`.
  ///
  /// Files are told apart by their paths: not a byte is read.
  fileprivate func isReachable(from path: String) -> Bool {
    let folders = ExternalDataFiles(modelPath: path, directory: nil)
    return allStoredTensors.allSatisfy { stored in
      guard case .external(let entries) = stored.encoding else { return true }
      let region = stored.tensor.region
      guard let location = try? ExternalLocation(entries, byteCount: region.count),
        let file = externalFiles[ExactText(location.path)], file.region.storage === region.storage
      else { return false }
      return location.offset == region.offset
        && (try? folders.path(of: location.path)) == file.path
    }
  }

  /// Refuses to write where external data is read.
  fileprivate func checkIsNoSource(_ path: String) throws(FormatError) {
    guard let standing = FilePath.canonical(path),
      externalFiles.values.contains(where: { $0.path == standing })
    else { return }
    throw FormatError(.overwritesInput, file: path, "the model's external data is read from here")
  }
}
