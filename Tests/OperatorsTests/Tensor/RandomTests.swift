import GraphIR
import Operators
import Tensors
import Testing

/// Random numbers are the same whenever the seed is, and distributed as they should be.
struct RandomTests {
  private func draw(
    _ operatorType: String, _ inputs: [Tensor], _ attributes: [Attribute], name: String? = nil,
    outputs: Int = 1
  ) throws -> [Tensor] {
    let node = Node(
      operatorType, name: name, inputs: inputs.indices.map { ValueID($0) },
      outputs: (0..<outputs).map { ValueID(9 + $0) }, attributes: attributes)
    return try OperatorRegistry.standard.instantiate(node, opset: 22).evaluate(tensors: inputs)
  }

  /// The mean of n numbers of variance v is off by more than 5 sqrt(v / n) once in two million seeds.
  private func expectMoments(_ tensor: Tensor, mean: Double, variance: Double) throws {
    let numbers = try #require(tensor.numbers)
    let count = Double(numbers.count)
    let average = numbers.reduce(0, +) / count
    let spread = numbers.reduce(0) { $0 + ($1 - average) * ($1 - average) } / count
    #expect(abs(average - mean) < 5 * (variance / count).squareRoot())
    // The fourth moment of either distribution is at most three times the variance squared.
    #expect(abs(spread - variance) < 5 * variance * (2 / count).squareRoot())
  }

  @Test func followsTheDistribution() throws {
    let shape = Attribute("shape", [100, 200])
    let normal = try draw(
      "RandomNormal", [],
      [
        shape, Attribute("seed", 3 as Float), Attribute("mean", 2 as Float),
        Attribute("scale", 0.5 as Float),
      ])
    try expectMoments(normal[0], mean: 2, variance: 0.25)
    let uniform = try draw(
      "RandomUniform", [],
      [shape, Attribute("low", -1 as Float), Attribute("high", 5 as Float), Attribute("dtype", 11)])
    #expect(uniform[0].elementType == .double)
    try expectMoments(uniform[0], mean: 2, variance: 3)
    #expect(uniform[0].numbers!.allSatisfy { (-1..<5).contains($0) })
  }

  @Test func repeatsItselfForASeedOrAName() throws {
    let x = Tensor([0, 0, 0, 0] as [Float])
    func numbers(_ attributes: [Attribute], name: String? = nil) throws -> [Double]? {
      try draw("RandomNormalLike", [x], attributes, name: name)[0].numbers
    }
    let seeded = [Attribute("seed", 1 as Float)]
    #expect(try numbers(seeded, name: "a") == numbers(seeded, name: "b"))
    #expect(try numbers([], name: "a") == numbers([], name: "a"))
    #expect(try numbers([], name: "a") != numbers([], name: "b"))
    #expect(try numbers(seeded) != numbers([Attribute("seed", 2 as Float)]))
  }

  @Test func drawsWithProbability() throws {
    let x = Tensor([Float](repeating: 0.25, count: 10_000))
    let y = try draw("Bernoulli", [x], [Attribute("dtype", 9)])[0]
    #expect(y.elementType == .bool)
    #expect(abs(y.numbers!.reduce(0, +) - 2500) < 5 * 1875.0.squareRoot())
    // Odds of 1 to 3.
    let scores = Tensor([0, 1.098_612_3] as [Float], shape: [1, 2])
    let classes = try draw("Multinomial", [scores], [Attribute("sample_size", 10_000)])[0]
    #expect(classes.shape == [1, 10_000])
    #expect(abs(classes.numbers!.reduce(0, +) - 7500) < 5 * 1875.0.squareRoot())
  }

  @Test func dropsOutInTraining() throws {
    let x = Tensor([Float](repeating: 3, count: 10_000))
    let results = try draw(
      "Dropout", [x, .scalar(0.25 as Float), .scalar(true)], [Attribute("seed", 5)], outputs: 2)
    let (y, mask) = (results[0].numbers!, results[1].numbers!)
    #expect(zip(y, mask).allSatisfy { $0 == 4 * $1 })
    #expect(abs(mask.reduce(0, +) - 7500) < 5 * 1875.0.squareRoot())
  }
}
