import GraphIR
import Planning
import Testing

@Suite struct ClassScoresTests {
  enum End: CaseIterable {
    case product, biasedProduct, softmax, reshaped, input, norm, tanh, sumOfTwo

    var isClassScores: Bool {
      switch self {
      case .product, .biasedProduct, .softmax, .reshaped: true
      case .input, .norm, .tanh, .sumOfTwo: false
      }
    }
  }

  @Test(arguments: End.allCases)
  func whatAValueIsComputedByDecides(end: End) throws {
    var fixture = StreamFixture([2, 4])
    let x = try fixture.input("x")
    let product = try fixture.apply("MatMul", [x, try fixture.weight([4, 4])])
    let value =
      switch end {
      case .product: product
      case .biasedProduct: try fixture.apply("Add", [try fixture.weight([4]), product])
      case .softmax: try fixture.apply("Softmax", [x])
      case .reshaped: try fixture.apply("Reshape", [product, try fixture.weight([2])])
      case .input: x
      case .norm: try fixture.norm(product)
      case .tanh: try fixture.apply("Tanh", [product])
      case .sumOfTwo: try fixture.apply("Add", [product, x])
      }
    #expect(fixture.graph.isClassScores(value) == end.isClassScores)
  }
}
