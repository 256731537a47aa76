import GraphIR

/// A polynomial in a few values of a graph: what chains of Add, Mul, Div and Pow compute.
struct Polynomial: Equatable {
  /// The exponents of the variables, in their order.
  typealias Powers = [Int]

  private(set) var coefficients: [Powers: Double]

  private init(_ coefficients: [Powers: Double]) { self.coefficients = coefficients }

  /// Whether the terms are those of `other`, each coefficient to a relative `tolerance`.
  func isClose(to other: [Powers: Double], tolerance: Double) -> Bool {
    coefficients.count == other.count
      && other.allSatisfy { powers, expected in
        coefficients[powers].map { abs($0 - expected) <= tolerance * abs(expected) } ?? false
      }
  }

  fileprivate static func * (a: Polynomial, b: Polynomial) -> Polynomial {
    var result: [Powers: Double] = [:]
    for (p, x) in a.coefficients {
      for (q, y) in b.coefficients { result[zip(p, q).map { $0 + $1 }, default: 0] += x * y }
    }
    return Polynomial(result)
  }

  fileprivate static func + (a: Polynomial, b: Polynomial) -> Polynomial {
    Polynomial(a.coefficients.merging(b.coefficients, uniquingKeysWith: { $0 + $1 }))
  }
}

extension Polynomial {
  /// Nodes between a value and the variables, at most, along one path.
  static let largestDepth = 6

  /// What `value` is of `variables`, and the nodes that compute it from them, the last one first; `nil`
  /// where it is no polynomial in them.
  static func of(
    _ value: ValueID, in variables: [ValueID], _ graph: Graph, _ context: RewriteContext
  ) -> (polynomial: Polynomial, nodes: [NodeID])? {
    var reader = Reader(variables: variables, graph: graph, context: context)
    guard let polynomial = reader.read(value, depth: 0) else { return nil }
    return (polynomial, reader.nodes)
  }

  private struct Reader {
    let variables: [ValueID]
    let graph: Graph
    let context: RewriteContext
    var nodes: [NodeID] = []

    mutating func read(_ value: ValueID, depth: Int) -> Polynomial? {
      if let index = variables.firstIndex(of: value) {
        return Polynomial([variables.indices.map { $0 == index ? 1 : 0 }: 1])
      }
      if let number = context.scalar(value, in: graph) {
        return Polynomial([variables.map { _ in 0 }: number])
      }
      guard depth < largestDepth, let id = graph.node(computing: value, "Mul", "Div", "Add", "Pow"),
        let a = graph[id].input(0), let b = graph[id].input(1)
      else { return nil }
      nodes.append(id)
      guard let base = read(a, depth: depth + 1) else { return nil }
      switch graph[id].operatorType {
      case "Add": return read(b, depth: depth + 1).map { base + $0 }
      case "Mul": return read(b, depth: depth + 1).map { base * $0 }
      case "Div":
        guard let divisor = context.scalar(b, in: graph), divisor != 0 else { return nil }
        return base * Polynomial([variables.map { _ in 0 }: 1 / divisor])
      default:
        guard let exponent = context.scalar(b, in: graph), exponent == 2 || exponent == 3 else {
          return nil
        }
        return exponent == 2 ? base * base : base * base * base
      }
    }
  }
}
