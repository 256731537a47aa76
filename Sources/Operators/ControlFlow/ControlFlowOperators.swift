/// Operators that run graphs of their own. One line each.
package let controlFlowOperators: [any Operator.Type] = [
  If.self,
  Loop.self,
  Scan.self,
  Scan8.self,
  SequenceMap.self,
]
