/// The rules that prepare a private copy of a graph for execution.
///
/// They bring in operators of the lowered domain; what they leave must never be written to a file.
package let lowering: [any RewriteRule] = [
  EliminateIdentity(),
  FuseLayerNormalization(),
  FuseGelu(),
  FuseSilu(),
  FuseAttention(),
  FuseMatMulBias(),
  FuseGemm(),
  FuseGemmActivation(),
  FuseGemmResidual(),
  FuseBatchNormalization(),
  FuseConvActivation(),
  FuseConvResidual(),
]
