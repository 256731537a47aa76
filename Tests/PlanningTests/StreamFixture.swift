import GraphIR
import Operators
import Planning
import Tensors

/// Graphs of a few residual blocks with the types their values have.
struct StreamFixture {
  static let width = 4
  var graph = Graph()
  var types: [ValueID: ArrayType] = [:]
  let shape: [Int]
  private var count = 0

  init(_ shape: [Int] = [1, 3, width]) { self.shape = shape }

  mutating func input(_ name: String) throws -> ValueID {
    let value = graph.intern(name)
    try graph.addInput(value, ValueDeclaration(type: nil))
    types[value] = ArrayType(.float, shape)
    return value
  }

  mutating func weight(_ shape: [Int]) throws -> ValueID {
    count += 1
    let value = graph.intern("w\(count)")
    let tensor = Tensor([Float](repeating: 1, count: shape.reduce(1, *)), shape: shape)
    try graph.addInitializer(value, StoredTensor(tensor))
    types[value] = ArrayType(tensor)
    return value
  }

  mutating func apply(
    _ op: String, _ inputs: [ValueID], _ name: String? = nil, shape: [Int]? = nil
  ) throws -> ValueID {
    count += 1
    let output = graph.intern(name ?? "v\(count)")
    try graph.append(Node(op, name: "n\(count)", inputs: inputs, outputs: [output]))
    types[output] = ArrayType(.float, shape ?? self.shape)
    return output
  }

  /// x W₁ activated, times W₂.
  mutating func mlp(_ x: ValueID) throws -> ValueID {
    let d = Self.width
    let hidden = try apply("MatMul", [x, try weight([d, d])])
    return try apply("MatMul", [try apply("Relu", [hidden]), try weight([d, d])])
  }

  mutating func attention(_ x: ValueID, mask: ValueID? = nil) throws -> ValueID {
    let scores = [1, 3, 3]
    var logits = try apply("MatMul", [x, x], shape: scores)
    if let mask { logits = try apply("Add", [logits, mask], shape: scores) }
    let weights = try apply("Softmax", [logits], shape: scores)
    return try apply("MatMul", [weights, x])
  }

  /// Layer normalisation from its parts.
  mutating func norm(_ x: ValueID, _ name: String? = nil) throws -> ValueID {
    let reduced = Array(shape.dropLast()) + [1]
    let mean = try apply("ReduceMean", [x], shape: reduced)
    let centred = try apply("Sub", [x, mean])
    let square = try apply("Mul", [centred, centred])
    let variance = try apply("ReduceMean", [square], shape: reduced)
    let deviation = try apply("Sqrt", [variance], shape: reduced)
    let scaled = try apply("Div", [centred, deviation])
    return try apply("Mul", [scaled, try weight([Self.width])], name)
  }

  mutating func output(_ value: ValueID) { graph.addOutput(value, nil) }

  /// `blocks` blocks of attention and MLP, normalised before the branch, with points h0, h1, ….
  static func preNorm(blocks: Int) throws -> StreamFixture {
    var fixture = StreamFixture()
    let x = try fixture.input("x")
    var h = try fixture.apply("Add", [try fixture.weight(fixture.shape), x], "h0")
    for index in 0..<2 * blocks {
      let normed = try fixture.norm(h)
      let branch = try index % 2 == 0 ? fixture.attention(normed) : fixture.mlp(normed)
      h = try fixture.apply("Add", index % 2 == 0 ? [branch, h] : [h, branch], "h\(index + 1)")
    }
    fixture.output(try fixture.norm(h, "y"))
    return fixture
  }

  func find() -> StreamFinding {
    StreamFinding(in: graph, types: types, constants: []) { _ in 1 }
  }

  func names(_ stream: ResidualStream) -> [String] { stream.points.map { graph[$0].name } }
}
