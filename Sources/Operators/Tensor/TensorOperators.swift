/// Operators that make, move, select or reshape elements. One line each.
package let tensorOperators: [any Operator.Type] = []
