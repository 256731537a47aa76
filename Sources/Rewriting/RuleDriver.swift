package import GraphIR

/// Applies rules to a graph until none of them matches any more.
package struct RuleDriver: Sendable {
  /// How often each rule applied, by its name.
  package typealias Applications = [String: Int]

  private let rules: [any RewriteRule]

  /// - Parameter rules: those that stand first are tried first at each node.
  package init(_ rules: [any RewriteRule]) { self.rules = rules }

  /// Visits the nodes in order, over and over, until a whole pass has changed nothing; then removes what
  /// nothing reads any more.
  ///
  /// - Throws: `RewriteError` where the rules find no end or make an edit that the graph refuses; the
  ///   graph is then no longer valid.
  /// - Complexity: O(passes × nodes × rules) tries, and O(graph) for each edit.
  @discardableResult
  package func run(
    _ graph: inout Graph, _ context: RewriteContext
  ) throws(RewriteError) -> Applications {
    var applications: Applications = [:]
    var remaining = 4 * graph.order.count + 64
    var changed = true
    while changed {
      changed = false
      for node in graph.order where graph.contains(node) {
        guard let (rule, patch) = firstMatch(at: node, in: graph, context) else { continue }
        guard remaining > 0 else {
          throw RewriteError(
            code: .notConverging, rule: rule, message: "still applies after all edits allowed")
        }
        do throws(GraphError) { try graph.applyInPlace(patch) } catch {
          throw RewriteError(code: .invalidPatch, rule: rule, message: error.message)
        }
        remaining -= 1
        applications[rule, default: 0] += 1
        changed = true
      }
    }
    graph.removeDeadParts()
    return applications
  }

  private func firstMatch(
    at node: NodeID, in graph: Graph, _ context: RewriteContext
  ) -> (rule: String, patch: GraphPatch)? {
    for rule in rules {
      do throws(MatchFailure) {
        return (type(of: rule).name, try rule.patch(at: node, in: graph, context))
      } catch { continue }
    }
    return nil
  }
}
