/// Operators that compute element by element, compare, convert or reduce. One line each.
package let arithmeticOperators: [any Operator.Type] = []
