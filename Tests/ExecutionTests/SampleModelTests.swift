import Foundation
import GraphIR
import ONNXFormat
import Operators
import Tensors
import Testing

@testable import Execution

@Suite struct SampleModelTests {
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "samples/vit-mnist")

  /// Fourteen layers' rounding in another order: a thousand times the unit roundoff.
  private static let tolerance: Float = 6e-5

  @Test(arguments: ["dynamo", "opset14", "opset17"])
  func theSampleGivesWhatNaiveEvaluationGives(export: String) throws {
    let model = try ONNXFile.read(
      path: Self.folder.appending(path: "vit-mnist.\(export).onnx").path)
    let input = try #require(model.requiredInputs.first)
    let pixels: [Float] = (0..<7056).map { index in
      let level: Int = (index * 31 + index / 784 * 17) % 256
      return Float(level) / 255
    }
    let pictures = Tensor(pixels, shape: [9, 1, 28, 28])
    let expected = try evaluateNaively(
      model, [input: pictures.slice(0..<2)], registry: .standard)
    var first: [String: Tensor] = [:]
    for threads in 1...3 {
      let executor = try Executor(model: model, options: ExecutionOptions(threads: threads))
      #expect(try executor.batchSemantics(for: [input: pictures]) == .perSample)
      let results = try executor.run([input: pictures])
      for name in executor.fetches {
        let result = try #require(results[name])
        #expect(first[name].map { result.isIdentical(to: $0) } ?? true)
        let a: [Float] = result.slice(0..<2).elements()
        let b: [Float] = try #require(expected[name]).elements()
        let scale: Float = b.map { abs($0) }.max() ?? 0
        #expect(zip(a, b).allSatisfy { abs($0 - $1) <= Self.tolerance * scale })
      }
      first = results
    }
  }
}
