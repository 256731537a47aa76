import ArrayFormats
import GraphIR
import ONNXFormat
import Operators
import Planning
import Statistics
import Tensors
import Testing

@testable import RBAConvert

@Suite struct PatchSamplingTests {
  private static let stream = ResidualStream(
    points: [ValueID(0)], steps: [], type: ArrayType(.float, [1, 2, 3, 4]), layout: .channels)

  private static func batch(_ samples: Int, first: Int = 0) -> StreamBatch {
    let count = samples * 24
    let x = Tensor((0..<count).map { Float($0 + 1) }, shape: [samples, 2, 3, 4])
    let y = Tensor((0..<count).map { Float(3 * $0) }, shape: [samples, 2, 3, 4])
    return StreamBatch(
      stream: stream, points: [1, 4], values: [x, y], mask: nil, outliers: nil, firstSample: first)
  }

  private static let moments = PatchMoments(width: 2, extent: 3, spans: [PointPair(1, 4)])

  @Test func everyPositionIsItsNeighbourhoodWithZerosBeyondTheEdges() {
    let sampling = PatchSampling(Self.moments, stream: Self.stream, samples: 1)
    #expect(sampling.positions == 12)
    let patches = sampling.patches(of: Self.batch(2))
    let x = { (n: Int, k: Int, v: Int, u: Int) -> Float in
      (0..<3).contains(v) && (0..<4).contains(u) ? Float(((n * 2 + k) * 3 + v) * 4 + u + 1) : 0
    }
    // Where every position is taken, they come in an order of their own: rows are looked up by the centre.
    let rows = Dictionary(
      uniqueKeysWithValues: (0..<24).map { row in
        (patches.features[0][row * 18 + 8], row)
      })
    #expect(rows.count == 24)
    for n in 0..<2 {
      for (v, u) in (0..<3).flatMap({ v in (0..<4).map { (v, $0) } }) {
        guard let row = rows[x(n, 0, v, u)] else {
          Issue.record("no row for \(n) \(v) \(u)")
          continue
        }
        for offset in 0..<9 {
          for k in 0..<2 {
            #expect(
              patches.features[0][row * 18 + offset * 2 + k]
                == x(n, k, v + offset / 3 - 1, u + offset % 3 - 1))
          }
        }
        for k in 0..<2 {
          let index = x(n, k, v, u) - 1
          #expect(patches.differences[0][row * 2 + k] == 3 * index - (index + 1))
        }
      }
    }
  }

  /// Positions do not depend on how samples are cut into batches.
  @Test func aSampleHasThePositionsOfItsPlace() {
    let sampling = PatchSampling(Self.moments, stream: Self.stream, samples: 1000)
    #expect(sampling.positions < 24)
    let whole = sampling.patches(of: Self.batch(3)).differences[0]
    let size = whole.count / 3
    let tail = StreamBatch(
      stream: Self.stream, points: [1, 4], values: Self.batch(3).values.map { $0.slice(2..<3) },
      mask: nil, outliers: nil, firstSample: 2)
    #expect(sampling.patches(of: tail).differences[0] == Array(whole[2 * size..<3 * size]))
  }

  /// Two convolutional blocks without activation: a convolution of 5 × 5 that one of 3 × 3 comes near to.
  @Test(arguments: ["convolution", "low-rank", "linear"])
  func channelsAreConverted(form: String) throws {
    let folder = try TemporaryFolder()
    var net = NetworkText("N, 4, 6, 6")
    var h = net.apply("Relu", net.conv("x"), to: "h0")
    for index in 1...2 {
      h = net.apply("Add", h, net.conv(net.apply("Relu", net.conv(h))), to: "h\(index)")
    }
    net.outputs = ["float[N, 4, 6, 6] \(net.conv(h))"]
    let (path, data, output) = (
      folder.path("model.onnx"), folder.path("x.npy"), folder.path("out.onnx")
    )
    try ONNXFile.write(try Model(text: net.text), to: path, overwriting: false)
    try NpyFile.write(ArchitectureTests.noise([32, 4, 6, 6]), path: data, overwriting: false)
    let reports = try [form, "identity"].map { form in
      try Conversion(
        input: path, output: output, overwriting: true, recordsProvenance: false,
        data: DataRequest(paths: [data]),
        selection: SelectionOptions(spans: "1:2", form: form), machine: Machine(threads: 1)
      ).run(.silent)
    }
    #expect(reports[0].spans[0].form == form)
    let errors = try reports.map { try #require($0.spans[0].outputError) }
    #expect(errors[0] < errors[1])
  }
}
