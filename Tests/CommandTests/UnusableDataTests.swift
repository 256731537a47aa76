import SafetensorsFormat
import Tensors
import Testing

/// Data that tell nothing, refused whatever is asked of them.
@Suite struct UnusableDataTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Sixteen samples, changed.
  private func data(_ change: (String, Tensor) -> Tensor) throws -> String {
    let path = folder.path("data.safetensors")
    let tensors = try SafetensorsFile.read(path: Sample.calibration).tensors
    try SafetensorsFile.write(
      tensors.map { ($0.name, change($0.name, $0.tensor.slice(0..<16))) }, path: path,
      overwriting: false)
    return path
  }

  /// Whether the sample is fitted on or held out, and whether accuracy is limited or not.
  @Test(arguments: 0..<4, [["--spans", "4:5", "--form", "identity"], ["--auto-threshold"]])
  func labelsThatAreNoClassesAreRefused(sample: Int, options: [String]) throws {
    let path = try data { name, tensor in
      guard name == "labels", var labels = tensor.integers else { return tensor }
      labels[sample] = 10
      return Tensor(labels.map(Int64.init))
    }
    let output = folder.path("out.onnx")
    #expect(
      try Program.run([Sample.model, output, "--calibration", path] + options)
        == Outcome(
          status: 65, stdout: "",
          stderr: """
            rba-convert: error: \(path): labels: expected classes from 0 to 9, as output 'logits' has them, got 10 for \
            sample \(sample)

            """))
    #expect(try folder.contents == ["data.safetensors"])
  }

  @Test func labelsThatNothingIsAskedOfMayBeAnything() throws {
    let path = try data { name, tensor in
      name == "labels" ? Tensor([Int64](repeating: 10, count: 16)) : tensor
    }
    let outcome = try Program.run(
      "gather-stats", Sample.model, "--calibration", path, "-o", folder.path("s.safetensors"))
    #expect(outcome.status == 0)
  }

  @Test func nothingIsVerifiedByOutputsThatAreNoNumbers() throws {
    let path = try data { name, tensor in
      guard name != "labels" else { return tensor }
      return Tensor([Float](repeating: .nan, count: tensor.count), shape: tensor.shape)
    }
    #expect(
      try Program.run("verify", Sample.model, Sample.model, "--inputs", path)
        == Outcome(
          status: 65, stdout: "",
          stderr: """
            rba-convert: error: \(path): expected data for which \(Sample.model) gives finite numbers, got none in output \
            'logits'

            """))
  }
}
