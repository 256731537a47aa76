/// Fused operators that exist only in graphs lowered for execution. One line each.
package let loweredOperators: [any Operator.Type] = [
  FusedAttention.self,
  FusedConv.self,
  FusedGemm.self,
  Lowered<LayerNormalization>.self,
  Lowered<UnaryOperator<Gelu>>.self,
  Lowered<UnaryOperator<Swish>>.self,
]
