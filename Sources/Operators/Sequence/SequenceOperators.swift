/// Operators on sequences and optional values. One line each.
package let sequenceOperators: [any Operator.Type] = []
