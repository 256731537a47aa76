import Foundation
import GraphIR
import Tensors
import Testing

/// A recurrent layer of four steps, three sequences, five inputs and two hidden numbers, computed from
/// the specification's equations one number at a time.
struct NaiveRecurrence: Sendable, CustomTestStringConvertible {
  var name: String
  var direction = "forward"
  var lengths: [Int]?
  var resetsLast = false
  var couplesGates = false
  var hasPeepholes = false
  var layout = 0
  var clip: Float?

  private let steps = 4
  private let batch = 3
  private let inputCount = 5
  private let hidden = 2

  init(
    _ name: String, direction: String = "forward", lengths: [Int]? = nil, resetsLast: Bool = false,
    couplesGates: Bool = false, hasPeepholes: Bool = false, layout: Int = 0, clip: Float? = nil
  ) {
    self.name = name
    self.direction = direction
    self.lengths = lengths
    self.resetsLast = resetsLast
    self.couplesGates = couplesGates
    self.hasPeepholes = hasPeepholes
    self.layout = layout
    self.clip = clip
  }

  var testDescription: String {
    "\(name) \(direction) \(lengths ?? []) layout \(layout) clip \(clip ?? .infinity) "
      + "\(resetsLast) \(couplesGates) \(hasPeepholes)"
  }

  /// An input that may be of another type than the rest.
  enum Input {
    case numbers(NaiveArray)
    case lengths([Int])

    var float: Tensor {
      switch self {
      case .numbers(let array): array.float
      case .lengths(let lengths): Tensor(lengths.map { Int32($0) })
      }
    }
    var double: Tensor {
      switch self {
      case .numbers(let array): array.double
      case .lengths: float
      }
    }
  }

  private var gates: Int { ["RNN": 1, "GRU": 3, "LSTM": 4][name]! }
  private var directions: Int { direction == "bidirectional" ? 2 : 1 }

  /// Sixteenths, from -1/2 to 1/2.
  private func array(_ shape: [Int], _ seed: Int) -> NaiveArray {
    let whole = NaiveArray(integers: shape, seed: seed)
    return NaiveArray(shape) { whole[$0] / 16 }
  }

  private var x: NaiveArray { array([steps, batch, inputCount], 1) }
  private var w: NaiveArray { array([directions, gates * hidden, inputCount], 2) }
  private var r: NaiveArray { array([directions, gates * hidden, hidden], 3) }
  private var b: NaiveArray { array([directions, 2 * gates * hidden], 4) }
  private var h: NaiveArray { array([directions, batch, hidden], 5) }
  private var c: NaiveArray { array([directions, batch, hidden], 6) }
  private var p: NaiveArray { array([directions, 3 * hidden], 7) }

  /// With the axis of sequences first where the layout says so.
  private func arranged(_ array: NaiveArray, _ order: [Int]) -> NaiveArray {
    guard layout == 1 else { return array }
    return NaiveArray(order.map { array.shape[$0] }) { index in
      var source = index
      for (place, axis) in order.enumerated() { source[axis] = index[place] }
      return array[source]
    }
  }

  var inputs: [Input?] {
    var inputs: [Input?] = [
      .numbers(arranged(x, [1, 0, 2])), .numbers(w), .numbers(r), .numbers(b),
      lengths.map { .lengths($0) }, .numbers(arranged(h, [1, 0, 2])),
    ]
    if name == "LSTM" { inputs.append(.numbers(arranged(c, [1, 0, 2]))) }
    if hasPeepholes { inputs.append(.numbers(p)) }
    return inputs
  }

  var attributes: [Attribute] {
    var attributes = [Attribute("direction", direction), Attribute("layout", layout)]
    if let clip { attributes.append(Attribute("clip", clip)) }
    if resetsLast { attributes.append(Attribute("linear_before_reset", 1)) }
    if couplesGates { attributes.append(Attribute("input_forget", 1)) }
    return attributes
  }

  func outputs() -> [NaiveArray] {
    var y: [[Int]: Double] = [:]
    var last: [[Int]: Double] = [:]
    var lastCell: [[Int]: Double] = [:]
    for d in 0..<directions {
      let isReversed = direction == "reverse" || d == 1
      for n in 0..<batch {
        let length = lengths?[n] ?? steps
        var state = (0..<hidden).map { h[[d, n, $0]] }
        var cell = (0..<hidden).map { c[[d, n, $0]] }
        for index in 0..<length {
          let t = isReversed ? length - 1 - index : index
          advance(&state, &cell, d, (0..<inputCount).map { x[[t, n, $0]] })
          for i in 0..<hidden { y[[t, d, n, i]] = state[i] }
        }
        for i in 0..<hidden where length > 0 {
          last[[d, n, i]] = state[i]
          lastCell[[d, n, i]] = cell[i]
        }
      }
    }
    let results = [
      arranged(NaiveArray([steps, directions, batch, hidden]) { y[$0] ?? 0 }, [2, 0, 1, 3]),
      arranged(NaiveArray([directions, batch, hidden]) { last[$0] ?? 0 }, [1, 0, 2]),
      arranged(NaiveArray([directions, batch, hidden]) { lastCell[$0] ?? 0 }, [1, 0, 2]),
    ]
    return Array(results.prefix(name == "LSTM" ? 3 : 2))
  }

  private func clipped(_ x: Double) -> Double {
    let limit = clip.map { Double($0) } ?? .infinity
    return max(-limit, min(limit, x))
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-clipped(x))) }

  private func advance(_ state: inout [Double], _ cell: inout [Double], _ d: Int, _ x: [Double]) {
    let old = state
    func input(_ gate: Int, _ i: Int) -> Double {
      (0..<inputCount).reduce(b[[d, gate * hidden + i]]) {
        $0 + w[[d, gate * hidden + i, $1]] * x[$1]
      }
    }
    func bias(_ gate: Int, _ i: Int) -> Double { b[[d, (gates + gate) * hidden + i]] }
    func recurrent(_ gate: Int, _ i: Int, _ state: [Double]) -> Double {
      (0..<hidden).reduce(0) { $0 + r[[d, gate * hidden + i, $1]] * state[$1] }
    }
    func sum(_ gate: Int, _ i: Int) -> Double {
      input(gate, i) + recurrent(gate, i, old) + bias(gate, i)
    }
    func peephole(_ gate: Int, _ i: Int, _ cell: Double) -> Double {
      hasPeepholes ? p[[d, gate * hidden + i]] * cell : 0
    }
    let reset = (0..<hidden).map { name == "GRU" ? sigmoid(sum(1, $0)) : 0 }
    for i in 0..<hidden {
      switch name {
      case "RNN": state[i] = tanh(clipped(sum(0, i)))
      case "GRU":
        let update = sigmoid(sum(0, i))
        let candidate =
          resetsLast
          ? input(2, i) + reset[i] * (recurrent(2, i, old) + bias(2, i))
          : input(2, i) + recurrent(2, i, zip(reset, old).map { $0 * $1 }) + bias(2, i)
        state[i] = (1 - update) * tanh(clipped(candidate)) + update * old[i]
      default:
        let inputGate = sigmoid(sum(0, i) + peephole(0, i, cell[i]))
        let forget =
          couplesGates ? 1 - inputGate : sigmoid(sum(2, i) + peephole(2, i, cell[i]))
        cell[i] = forget * cell[i] + inputGate * tanh(clipped(sum(3, i)))
        state[i] = sigmoid(sum(1, i) + peephole(1, i, cell[i])) * tanh(cell[i])
      }
    }
  }
}
