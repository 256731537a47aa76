/// Operators of neural networks: products, convolutions, pooling, normalisations, resizing. One line each.
package let networkOperators: [any Operator.Type] = []
