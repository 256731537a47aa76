/// Attention and what stands around it: positions, caches, gated units. One line each.
package let attentionOperators: [any Operator.Type] = [
  Attention.self,
  CausalConvWithState.self,
  LinearAttention.self,
  RotaryEmbedding.self,
  SwiGLU.self,
  TensorScatter.self,
]
