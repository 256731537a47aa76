/// Operators that sample, crop or place regions of pictures. One line each.
package let visionOperators: [any Operator.Type] = []
