import GraphIR
import ONNXFormat
import Tensors

/// An ONNX test_data_set folder: `input_0.pb`, `output_0.pb` and so on.
struct TestSet {
  let folder: String

  /// What the folder feeds.
  ///
  /// Files are numbered as the graph's inputs; where some are missing that way, as those inputs that
  /// have no values of their own. Inputs that have need no file.
  ///
  /// - Throws: `Failure` where a file is missing or malformed.
  func inputs(of graph: Graph) throws(Failure) -> [String: RuntimeValue] {
    let all = Array(graph.inputs.enumerated())
    let required = all.filter { graph.initializer($0.element) == nil }
    let isNumberedByAll = required.allSatisfy { has("input", $0.offset) }
    let numbered =
      isNumberedByAll
      ? all.filter { has("input", $0.offset) }
      : required.enumerated().map { ($0.offset, $0.element.element) }
    var result: [String: RuntimeValue] = [:]
    for (number, value) in numbered {
      result[graph[value].name] = try read("input", number, graph[value].declaration?.type)
    }
    return result
  }

  /// What the folder expects of the output numbered so, and where that stands.
  func output(
    _ number: Int, as type: ValueType?
  ) throws(Failure) -> (value: RuntimeValue, path: String) {
    (try read("output", number, type), path("output", number))
  }

  private func path(_ kind: String, _ number: Int) -> String { "\(folder)/\(kind)_\(number).pb" }

  private func has(_ kind: String, _ number: Int) -> Bool {
    do throws(FileError) { _ = try FileKind(path: path(kind, number)) } catch {
      // What is there and cannot be read is told where it is read.
      return error.code != .notFound
    }
    return true
  }

  private func read(
    _ kind: String, _ number: Int, _ type: ValueType?
  ) throws(Failure) -> RuntimeValue {
    let path = path(kind, number)
    do throws(FormatError) {
      return try ONNXFile.readValue(
        path: path, as: type ?? .tensor(TensorType(.undefined, nil)))
    } catch { throw Failure(error, path) }
  }
}
