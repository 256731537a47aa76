import GraphIR
import Tensors
import Testing

@testable import RBAConvert

@Suite struct SyntheticSamplesTests {
  /// The indices select rows of a table of seven and, by another name, of one of five.
  private static let text = """
    g (int64[N, T] ids) => (float[N, T, 1] y)
    <
      float[7, 1] words = {1, 2, 3, 4, 5, 6, 7},
      float[5, 1] kinds = {1, 2, 3, 4, 5}
    >
    {
      a = Gather (words, ids)
      same = Identity (ids)
      b = Gather (kinds, same)
      y = Add (a, b)
    }
    """

  private func make(
    _ inputs: [ModelInput], count: Int = 4, seed: UInt64 = 1, dimensions: [String: Int] = [:]
  ) throws(Failure) -> [String: Tensor] {
    try SyntheticSamples(graph: Graph(), inputs: inputs, dimensions: dimensions)
      .make(count: count, seed: seed).feeds
  }

  private func picture(_ shape: [Int]) -> ModelInput {
    ModelInput(
      name: "x",
      type: TensorType(.float, [.parameter("N")] + shape.map(Dimension.size)))
  }

  @Test func indicesLieInsideTheSmallestTable() throws {
    let input = ModelInput(
      name: "ids", type: TensorType(.int64, [.parameter("N"), .parameter("T")]))
    let samples = try SyntheticSamples(
      graph: Graph(text: Self.text), inputs: [input], dimensions: ["T": 100]
    ).make(count: 4, seed: 1)
    #expect(samples.isSynthetic)
    #expect(samples.source == "synthetic, seed 1")
    #expect(samples.feeds["ids"]?.shape == [4, 100])
    // All of five rows are drawn: a row is missed by 400 draws with probability 0.8⁴⁰⁰ < 1e-38.
    #expect(Set(samples.feeds["ids"]?.integers ?? []) == [0, 1, 2, 3, 4])
  }

  @Test(arguments: [ElementType.int32, .int64])
  func whatSelectsNothingIsAMaskOfOnes(type: ElementType) throws {
    let mask = ModelInput(name: "mask", type: TensorType(type, [.parameter("N"), .unknown]))
    let tensor = try #require(try make([mask])["mask"])
    #expect(tensor.elementType == type)
    #expect(tensor.shape == [4, 32])
    #expect(tensor.integers?.allSatisfy { $0 == 1 } == true)
  }

  @Test func booleansAreTrue() throws {
    let flags = ModelInput(name: "x", type: TensorType(.bool, [.parameter("N"), .size(3)]))
    #expect(try make([flags])["x"]?.elements(as: Bool.self) == Array(repeating: true, count: 12))
  }

  /// Channels first, channels last, and one row: each channel of each picture has mean 0, deviation 1.
  @Test(arguments: [[3, 16, 20], [16, 20, 3], [1, 28, 28]])
  func picturesAreStandardisedByChannel(shape: [Int]) throws {
    let pixels = try #require(try make([picture(shape)])["x"]).elements(as: Float.self)
    let isLast = shape[2] == 3
    let channels = isLast ? shape[2] : shape[0]
    let size = shape.reduce(1, *) / channels
    for sample in 0..<4 {
      for channel in 0..<channels {
        let plane = (0..<size).map { pixel in
          let index = isLast ? pixel * channels + channel : channel * size + pixel
          return Double(pixels[sample * size * channels + index])
        }
        let mean = plane.reduce(0, +) / Double(size)
        let variance = plane.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
        // Float sums of `size` numbers of order one, divided by their count: 1e-4 is far above that.
        #expect(abs(mean) < 1e-4)
        #expect(abs(variance - 1) < 1e-3)
      }
    }
  }

  @Test func neighbouringPixelsAreAlike() throws {
    let pixels = try #require(try make([picture([1, 32, 32])], count: 8)["x"])
      .elements(as: Float.self)
    var product = 0.0
    for index in pixels.indices where index % 32 != 31 {
      product += Double(pixels[index]) * Double(pixels[index + 1])
    }
    // Unit variance, so this is the correlation; white noise has 0 ± 0.01.
    #expect(product / Double(pixels.count / 32 * 31) > 0.7)
  }

  @Test func otherNumbersAreStandardNormal() throws {
    let numbers = ModelInput(name: "x", type: TensorType(.float, [.parameter("N"), .size(1000)]))
    let values = try #require(try make([numbers], count: 10)["x"]).elements(as: Float.self)
      .map(Double.init)
    let mean = values.reduce(0, +) / 10_000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10_000
    // Five standard errors of the mean and of the variance of 10 000 normal numbers.
    #expect(abs(mean) < 5 * 0.01)
    #expect(abs(variance - 1) < 5 * 0.0142)
  }

  @Test func theSeedDecides() throws {
    let input = picture([1, 8, 8])
    let first = try #require(try make([input], seed: 3)["x"])
    #expect(try make([input], seed: 3)["x"]?.isIdentical(to: first) == true)
    #expect(try make([input], seed: 4)["x"]?.isIdentical(to: first) == false)
  }

  @Test func whatCannotBeMadeIsRefused() throws {
    let words = ModelInput(name: "x", type: TensorType(.string, [.parameter("N")]))
    let strings = try failure { () throws(Failure) in try make([words]) }
    #expect(strings.message == "input 'x': cannot make synthetic data of type string")
    let scalar = ModelInput(name: "x", type: TensorType(.float, nil))
    let unknown = try failure { () throws(Failure) in try make([scalar]) }
    #expect(unknown.message == "input 'x': cannot make synthetic data for float[...]")
    let huge = try failure { () throws(Failure) in
      try make([picture([1 << 40, 1 << 40])])
    }
    #expect(huge.status == .malformedInput)
    #expect(
      huge.message
        == "input 'x': synthetic data of shape [4, \(1 << 40), \(1 << 40)] would not fit the memory"
    )
  }
}
