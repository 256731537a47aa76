package import GraphIR

/// One way of changing a graph, as a pure match: an edit, or why there is none.
package protocol RewriteRule: Sendable {
  /// Verb and object in kebab case, such as "fuse-gelu".
  static var name: String { get }

  /// The edit for the pattern whose last node is `root`.
  ///
  /// Every edit leaves less to match than it found, so that rules come to an end.
  /// - Throws: `MatchFailure` where the pattern is not there.
  func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch
}

/// Why a rule does not apply at a node. It is data, not an error of the graph.
package struct MatchFailure: Error, Sendable, Hashable, CustomStringConvertible {
  package let reason: String

  package init(_ reason: String) { self.reason = reason }

  package var description: String { reason }
}

/// Why rules could not be applied to a graph.
package struct RewriteError: Error, Sendable, CustomStringConvertible {
  /// One case per kind of fault.
  package enum Code: Sendable, Hashable {
    /// Rules that undo one another's work.
    case notConverging
    /// A rule's edit that the graph refuses.
    case invalidPatch
  }

  package let code: Code
  /// The rule's name.
  package let rule: String
  package let message: String

  package var description: String { "rule '\(rule)': \(message)" }
}
