import Foundation
import GraphIR
import ONNXFormat
import Operators
import Tensors
import Testing

/// The ONNX project's own cases, one node each, as `tools/oracles/operator_cases.py` writes them into
/// the folder that `RBA_OPERATOR_CASES` names.
struct ONNXNodeCasesTests {
  static let folder = ProcessInfo.processInfo.environment["RBA_OPERATOR_CASES"]

  static var cases: [String] {
    guard let folder, let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else { return [] }
    return names.filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/model.onnx") }
      .sorted()
  }

  /// Cases whose expected outputs are not what the specification says: those of Resize take
  /// `scale * length_original`, not rounded, for the `length_resized` of `align_corners`, which is the
  /// length of the resized tensor, and onnxruntime reads it so too; those of DFT have the rounding errors
  /// of a transform in `float` where the result is zero; others are drawn at random.
  static let departures: Set = [
    "test_bernoulli", "test_bernoulli_double", "test_bernoulli_seed",
    "test_dft_inverse", "test_dft_inverse_opset19",
    "test_training_dropout", "test_training_dropout_default",
    "test_training_dropout_default_mask", "test_training_dropout_mask",
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
  ]

  struct Settings: Decodable {
    let rtol, atol: Double
    let ops: [String]
  }

  /// Every case of one node whose operator the registry has gives the expected outputs, or is refused
  /// for an element type or attribute that is not supported.
  @Test(.enabled(if: folder != nil))
  func everyCaseAgrees() throws {
    var (passed, refused, failed) = ([String: Int](), [String: Int](), [String]())
    for name in Self.cases where !Self.departures.contains(name) {
      let path = try #require(Self.folder) + "/\(name)"
      let settings = try JSONDecoder().decode(
        Settings.self, from: Data(contentsOf: URL(fileURLWithPath: "\(path)/case.json")))
      guard settings.ops.count == 1, let model = try? ONNXFile.read(path: "\(path)/model.onnx"),
        let opset = model.opset(of: ""), model.graph.order.count == 1
      else { continue }
      let node = model.graph[model.graph.order[0]]
      let registry = OperatorRegistry.standard
      guard
        registry.type(domain: node.canonicalDomain, name: node.operatorType, opset: opset) != nil
      else { continue }
      do {
        let operation = try registry.instantiate(node, opset: opset)
        if let difference = try difference(operation, model.graph, node, path, settings) {
          failed.append("\(name): \(difference)")
        } else {
          passed[node.operatorType, default: 0] += 1
        }
      } catch let error as OperatorError where error.code == .unsupported {
        refused[node.operatorType, default: 0] += 1
      } catch { failed.append("\(name): \(error)") }
    }
    for name in Set(passed.keys).union(refused.keys).sorted() {
      print("\(name): \(passed[name] ?? 0) agree, \(refused[name] ?? 0) refused")
    }
    #expect(!passed.isEmpty)
    #expect(failed == [], "\(failed.joined(separator: "\n"))")
  }

  /// What differs in the first data set that does not agree, or whose tensors cannot be read.
  private func difference(
    _ operation: any Operator, _ graph: Graph, _ node: Node, _ path: String, _ settings: Settings
  ) throws -> String? {
    let data = "\(path)/test_data_set_0"
    func read(_ kind: String, _ place: Int) throws -> Tensor {
      do { return try ONNXFile.readTensor(path: "\(data)/\(kind)_\(place).pb").tensor } catch {
        throw OperatorError(.unsupported, "\(error)")
      }
    }
    let inputs = try node.inputs.map { input -> Tensor? in
      guard let input, let place = graph.inputs.firstIndex(of: input) else {
        return input.flatMap { graph.constant($0) }
      }
      return try read("input", place)
    }
    let results = try operation.evaluate(tensors: inputs)
    for (output, result) in zip(node.outputs, results) {
      guard let output, let place = graph.outputs.firstIndex(of: output) else { continue }
      let expected = try read("output", place)
      // The expected bfloat16 come of steps that each round to 8 bits, ours of one rounding.
      let tolerance = Tolerance(
        relative: expected.elementType == .bfloat16 ? max(settings.rtol, 0x1p-6) : settings.rtol,
        absolute: settings.atol)
      if let difference = tolerance.difference(result, expected) {
        return difference
      }
    }
    let broken = try OperatorPromises(operation, inputs, results).broken()
    return broken.isEmpty ? nil : broken.joined(separator: ", ")
  }
}
