import GraphIR
import Operators
import Tensors

/// Memory that holds a value's elements while a plan runs.
enum Buffer: Sendable {
  case constant(Tensor)
  /// The tensor given for a feed.
  case feed(Int)
  /// A block whose place is planned: in the arena, or a result of its own.
  case block(Int)
  /// A value that a step makes while the plan runs.
  case slot(Int)
}

/// Where a value's elements lie.
struct Place: Sendable {
  var buffer: Buffer
  var elementType: ElementType
  var layout: Layout

  var type: ArrayType { ArrayType(elementType, layout.shape) }

  var isConstant: Bool {
    if case .constant = buffer { true } else { false }
  }
}

/// A graph that a node runs, and where the values lie that it captures.
struct BoundBody: Sendable {
  var body: Body
  var captures: [Place]
}

/// Where a planned block lies.
enum BlockPlace: Sendable {
  case arena(offset: Int)
  case result(Int)
}

/// Where a step puts a value, and the type that steps behind it rely on, if any.
struct Slot: Sendable {
  var index: Int
  var type: ArrayType?
}

/// One thing to do; steps run in order.
struct Step: Sendable {
  enum Work: Sendable {
    case evaluate(
      any Operator, inputs: [Place?], outputs: [(block: Int, type: ArrayType)],
      scratch: (block: Int, byteCount: Int)?)
    /// Packs a strided view.
    case copy(Place, block: Int)
    /// An operator whose shapes only running tells, whose elements do not fill whole bytes, whose
    /// values are no tensors, or that runs graphs of its own.
    case late(any Operator, inputs: [Place?], bodies: [BoundBody], outputs: [Slot?])
  }

  var work: Work
  /// The node's label, for messages.
  var label: String
  /// Slots that nothing reads after this step.
  var lastUses: [Int] = []

  /// Where everything lies that the step reads.
  var reads: [Place] {
    switch work {
    case .evaluate(_, let inputs, _, _): inputs.compactMap(\.self)
    case .copy(let place, _): [place]
    case .late(_, let inputs, let bodies, _):
      inputs.compactMap(\.self) + bodies.flatMap(\.captures)
    }
  }
}

/// What a run returns for one fetch.
enum Fetch: Sendable {
  case constant(Tensor)
  case feed(Int)
  case result(Int, ArrayType)
  case slot(Int)
}

/// Everything decided about running a graph on inputs of certain shapes.
struct Plan: Sendable {
  var steps: [Step]
  var blocks: [BlockPlace]
  var resultByteCounts: [Int]
  var slotCount: Int
  var arenaByteCount: Int
  /// Bytes of constants that were made while planning.
  var constantByteCount: Int
  var fetches: [Fetch]

  /// Bytes that one evaluation takes, apart from what is made late.
  var byteCount: Int { resultByteCounts.reduce(arenaByteCount, saturatingSum) }

  /// Bytes that are taken before anything is made late.
  var plannedByteCount: Int { saturatingSum(byteCount, constantByteCount) }
}
