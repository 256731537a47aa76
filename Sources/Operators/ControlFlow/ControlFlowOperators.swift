/// Operators that run graphs of their own. One line each.
package let controlFlowOperators: [any Operator.Type] = []
