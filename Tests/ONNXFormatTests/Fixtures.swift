import Foundation
import GraphIR
import ONNXFormat
import Tensors

/// A folder that goes with the test that made it.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  var path: String { url.path }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  func write(_ bytes: [UInt8], as name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }

  var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

func bytes(of path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// Encoded messages, put together by hand.
enum Wire {
  static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
  }
  static func number(_ field: Int, _ value: Int64) -> [UInt8] {
    varint(UInt64(field << 3)) + varint(UInt64(bitPattern: value))
  }
  static func part(_ field: Int, _ content: [UInt8]...) -> [UInt8] {
    let content = content.flatMap(\.self)
    return varint(UInt64(field << 3 | 2)) + varint(UInt64(content.count)) + content
  }
  static func part(_ field: Int, _ text: String) -> [UInt8] { part(field, Array(text.utf8)) }

  /// A node of inputs, outputs and an operator.
  static func node(_ type: String, _ inputs: [String], _ outputs: [String]) -> [UInt8] {
    part(1, inputs.flatMap { part(1, $0) } + outputs.flatMap { part(2, $0) } + part(4, type))
  }
  /// A model of the fields of a graph.
  static func model(_ graph: [UInt8]...) -> [UInt8] { part(7, graph.flatMap(\.self)) }
  /// An initializer called w of four floats, or whatever `fields` make of it.
  static func initializer(_ fields: [UInt8]...) -> [UInt8] {
    part(5, part(8, "w") + fields.flatMap(\.self))
  }
  /// The entries of external data, each as `key=value`.
  static func external(_ entries: [String]) -> [UInt8] {
    number(1, 4) + number(2, 1) + number(14, 1)
      + entries.flatMap { entry in
        let equals = entry.firstIndex(of: "=")!
        let value = String(entry[entry.index(after: equals)...])
        return part(13, part(1, String(entry[..<equals])), part(2, value))
      }
  }
}
