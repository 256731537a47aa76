import Foundation
import GraphIR
import ONNXFormat
import Operators
import Tensors
import Testing

@testable import Rewriting

/// What lowering finds in a model that exporters wrote.
@Suite struct ExportedModelTests {
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "samples/vit-mnist")

  @Test(arguments: ["dynamo", "opset14", "opset17"])
  func everyBlockOfTheSampleIsFused(export: String) throws {
    let model = try ONNXFile.read(
      path: Self.folder.appending(path: "vit-mnist.\(export).onnx").path)
    let lowered = try model.applying(lowering)
    #expect(lowered.operators.count { $0 == "LayerNormalization" } == 25)
    #expect(lowered.operators.count { $0 == "FusedAttention" } == 12)
    #expect(lowered.operators.count { $0 == "FusedGemm:gelu" } == 12)
    #expect(!lowered.operators.contains("Softmax") && !lowered.operators.contains("Erf"))
    // Fourteen layers' rounding in another order: a thousand times the unit roundoff.
    try expectEqual(model, lowered, [.noise([3, 1, 28, 28])], tolerance: 6e-5)
  }
}
