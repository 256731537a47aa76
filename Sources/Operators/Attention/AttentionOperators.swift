/// Attention and what stands around it: positions, caches, gated units. One line each.
package let attentionOperators: [any Operator.Type] = []
