import GraphIR
import Tensors

/// How the elements of a scan output become one tensor.
struct StackedOutput: Sendable {
  /// What is known of the elements' type where there are none.
  var type: TensorType?
  /// The new axis.
  var axis = 0
  /// Whether the last element comes first.
  var isBackward = false
}

/// What a body's iterations give one another, and what they leave, within so many bytes.
struct Iterations {
  /// The values that the next iteration is given.
  private(set) var states: [RuntimeValue]
  /// The elements of each scan output so far.
  private(set) var scans: [[Tensor]]
  /// Bytes that the next iteration may take.
  var rest: Int { maximumBytes - keptByteCount }

  private let maximumBytes: Int
  /// What the first states take is not the iterations'.
  private let givenByteCount: Int
  private var scanByteCount = 0
  private var keptByteCount = 0

  init(states: [RuntimeValue], scanCount: Int, maximumBytes: Int) {
    self.states = states
    self.maximumBytes = maximumBytes
    scans = [[Tensor]](repeating: [], count: scanCount)
    givenByteCount = Self.byteCount(of: states)
  }

  private static func byteCount(of values: [RuntimeValue]) -> Int {
    values.reduce(0) { saturatingSum($0, $1.byteCount) }
  }

  /// Takes what an iteration gave: the states, then one element of each scan output.
  ///
  /// - Throws: `OperatorError.tooLarge` where that is more than is allowed.
  mutating func take(_ results: ArraySlice<RuntimeValue>) throws(OperatorError) {
    let elements = results.dropFirst(states.count)
    states = Array(results.prefix(states.count))
    for (index, element) in elements.enumerated() {
      let tensor = try element.tensor("scan output \(index)")
      scanByteCount = saturatingSum(scanByteCount, tensor.byteCount)
      scans[index].append(tensor)
    }
    let growth = max(Self.byteCount(of: states) - givenByteCount, 0)
    keptByteCount = saturatingSum(scanByteCount, growth)
    guard keptByteCount <= maximumBytes else {
      throw .tooLarge("what iterations leave", bytes: keptByteCount, allowed: maximumBytes)
    }
  }

  /// The last states and the stacked elements of each scan output.
  func outputs(_ forms: [StackedOutput]) throws(OperatorError) -> [RuntimeValue] {
    var outputs = states
    var rest = rest
    for (elements, form) in zip(scans, forms) {
      let stacked = try stack(
        form.isBackward ? elements.reversed() : elements, declared: form.type, axis: form.axis,
        maximumBytes: rest)
      rest -= stacked.byteCount
      outputs.append(.tensor(stacked))
    }
    return outputs
  }
}
