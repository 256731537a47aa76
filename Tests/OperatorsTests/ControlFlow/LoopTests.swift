import GraphIR
import Operators
import Tensors
import Testing

@Suite struct LoopTests {
  /// A loop of one carried value and one scan output, whatever its body is.
  private func loop() throws -> Loop {
    var body = Graph(name: "b")
    let inputs = ["i", "c", "v"].map { body.intern($0) }
    for input in inputs { try body.addInput(input, ValueDeclaration(type: nil)) }
    for output in [inputs[1], inputs[2], inputs[0]] { body.addOutput(output, nil) }
    return try Loop(
      Node(
        "Loop", inputs: [nil, nil, ValueID(0)], outputs: [ValueID(1), ValueID(2)],
        attributes: [Attribute("body", .graph(body))]), opset: 21)
  }

  private let tensor = RuntimeValue.tensor(Tensor([1, 2] as [Float]))

  /// Iterations, and the error of a loop that goes on.
  private func run(
    _ loop: Loop, limit: Int64?, maximumBytes: Int = .max
  ) -> (iterations: Int, error: OperatorError?) {
    var iterations = 0
    func body(_ inputs: [RuntimeValue], _: Int) throws(OperatorError) -> [RuntimeValue] {
      iterations += 1
      return [inputs[1], inputs[2], inputs[0]]
    }
    do throws(OperatorError) {
      _ = try loop.evaluate(
        [limit.map { .tensor(.scalar($0)) }, nil, tensor], bodies: [body],
        maximumBytes: maximumBytes)
      return (iterations, nil)
    } catch { return (iterations, error) }
  }

  @Test func aLoopWithoutEndIsStopped() throws {
    var loop = try loop()
    #expect(loop.iterationLimit == 1_000_000)
    loop.iterationLimit = 100
    #expect(run(loop, limit: 100).error == nil)
    for limit in [nil, 101, Int64.max] {
      let (iterations, error) = run(loop, limit: limit)
      #expect(iterations == 100)
      #expect(error?.message == "still runs after 100 iterations")
    }
  }

  /// Scan outputs of eight bytes an iteration; carried values that stay as they are take nothing.
  @Test func whatIterationsLeaveIsCounted() throws {
    let (iterations, error) = run(try loop(), limit: 10, maximumBytes: 24)
    #expect(iterations == 4)
    #expect(error?.code == .tooLarge)
    #expect(
      error?.message
        == "what iterations leave needs 32 bytes, more than the 24 that are allowed")
  }

  @Test func bodiesGetWhatIsLeft() throws {
    var allowed: [Int] = []
    func body(_ inputs: [RuntimeValue], _ bytes: Int) throws(OperatorError) -> [RuntimeValue] {
      allowed.append(bytes)
      return [inputs[1], inputs[2], inputs[0]]
    }
    _ = try loop().evaluate(
      [.tensor(.scalar(Int64(3))), nil, tensor], bodies: [body], maximumBytes: 100)
    #expect(allowed == [100, 92, 84])
  }
}
