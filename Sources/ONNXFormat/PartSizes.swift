import COnnx
package import GraphIR
import Tensors

/// Bytes that parts of a graph take in the message of their model, each with its tag and length.
///
/// What they add up to is the message's growth or shrinking but for the lengths of the messages around
/// them, which may change by a byte or two.
package struct PartSizes: Sendable {
  /// A tensor whose elements lie elsewhere, and what its message calls it.
  package typealias Moved = (stored: StoredTensor, name: String?)

  /// By node, in the graph's order.
  package private(set) var nodes: [NodeID: Int] = [:]
  package private(set) var initializers: [ValueID: Int] = [:]
  /// What `value_info` says of a value, as often as it does.
  package private(set) var declarations: [ValueID: Int] = [:]

  /// - Parameters:
  ///   - start: nodes and values before it are left out.
  ///   - placement: says which elements lie elsewhere; it is asked for nodes, then for initializers.
  ///   - cost: of a part, by the bytes of its message and the tensors whose elements lie elsewhere.
  package init(
    of graph: Graph, from start: (node: NodeID, value: ValueID) = (NodeID(0), ValueID(0)),
    _ placement: any TensorPlacement, cost: (_ message: Int, _ moved: [Moved]) -> Int
  ) {
    let arena = MessageArena()
    let counting = CountingPlacement(placement)
    withExtendedLifetime(arena) {
      for id in graph.order where id >= start.node {
        guard let message = arena.node(graph[id], in: graph, counting) else { continue }
        nodes[id] = cost(fieldSize(&message.pointee.base), counting.take())
      }
      for value in graph.initializers where value >= start.value {
        guard let stored = graph.initializer(value) else { continue }
        let message = arena.tensor(stored, name: graph[value].name, counting)
        initializers[value] = cost(fieldSize(&message.pointee.base), counting.take())
      }
      for declared in graph.declaredValues where declared.value >= start.value {
        guard let message = arena.infos([declared], in: graph)?.pointee else { continue }
        declarations[declared.value, default: 0] += cost(fieldSize(&message.pointee.base), [])
      }
    }
  }

  /// All parts together.
  package var total: Int {
    let parts = Array(nodes.values) + Array(initializers.values) + Array(declarations.values)
    return parts.reduce(0) { saturatingSum($0, $1) }
  }
}

/// Of a message as a field of another, whose tag takes a byte.
private func fieldSize(_ message: UnsafeMutablePointer<ProtobufCMessage>) -> Int {
  let size = protobuf_c_message_get_packed_size(message)
  var bytes = 2
  var rest = size >> 7
  while rest > 0 {
    bytes += 1
    rest >>= 7
  }
  return bytes + size
}

/// Takes note of what another placement puts elsewhere.
private final class CountingPlacement: TensorPlacement {
  private let placement: any TensorPlacement
  private var moved: [PartSizes.Moved] = []

  init(_ placement: any TensorPlacement) { self.placement = placement }

  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding {
    let encoding = placement.encoding(of: stored, name: name)
    if case .external = encoding { moved.append((stored, name)) }
    return encoding
  }

  /// What was moved since it was last asked.
  func take() -> [PartSizes.Moved] {
    defer { moved = [] }
    return moved
  }
}
