import ArrayFormats
import Execution
import Foundation
import ONNXFormat
import Tensors
import Testing

/// Small models as exporters write them, with inputs and what onnxruntime makes of them.
@Suite struct ExportedModelTests {
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/exports")

  static let exports = [
    "torchvision-resnet.torchscript9", "torchvision-vit.dynamo18",
    "torchvision-vit.torchscript14", "transformers-bert.dynamo18",
    "transformers-bert.torchscript14", "transformers-dinov2.torchscript14",
    "transformers-gpt2.torchscript17", "transformers-vit.torchscript17",
  ]

  /// What the project promises of any model: relative to the largest magnitude of an output.
  private static let tolerance: Float = 1e-4

  @Test(arguments: exports, [true, false])
  func anExportGivesWhatOnnxruntimeGives(export: String, fuses: Bool) throws {
    let model = try ONNXFile.read(path: Self.folder.appending(path: "\(export).onnx").path)
    let arrays = try NpzFile.read(path: Self.folder.appending(path: "\(export).npz").path)
    let executor = try Executor(
      model: model, options: ExecutionOptions(threads: 2, fuses: fuses))
    var feeds: [String: Tensor] = [:]
    var expected: [String: Tensor] = [:]
    for (name, tensor) in arrays {
      if name.hasPrefix("expected/") {
        expected[String(name.dropFirst("expected/".count))] = tensor
      } else {
        feeds[name] = tensor
      }
    }
    #expect(Set(expected.keys) == Set(executor.fetches))
    let results = try executor.run(feeds)
    for (name, reference) in expected {
      let result = try #require(results[name])
      #expect(result.shape == reference.shape)
      let (a, b): ([Float], [Float]) = (result.elements(), reference.elements())
      let scale: Float = b.map { abs($0) }.max() ?? 0
      let error: Float = zip(a, b).map { abs($0 - $1) }.max() ?? 0
      #expect(error <= Self.tolerance * scale, "\(name): off by \(error) of \(scale)")
    }
  }
}
