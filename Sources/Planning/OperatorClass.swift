import GraphIR

/// The few distinctions between operators that finding streams needs.
extension Node {
  /// Whether the node hands its first input on with its contents unchanged but for rounding.
  var isTransparent: Bool {
    ["Identity", "Cast", "Dropout", "DequantizeLinear", "QuantizeLinear"].contains(operatorType)
      && hasKnownDomain
  }

  /// Whether the node is elementwise, a reduction or a normalisation: what a normalisation or an
  /// activation is made of, and what mixes no features by a weight matrix.
  var isPointwiseOrReduction: Bool {
    (isTransparent || Self.pointwiseAndReductions.contains(operatorType)) && hasKnownDomain
  }

  /// Whether the node multiplies by a matrix.
  var isMatrixProduct: Bool {
    [
      "MatMul", "Gemm", "Einsum", "FusedMatMul", "FusedGemm", "TransposeMatMul", "GemmFastGelu",
      "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QLinearMatMul", "QGemm",
      "MatMulNBits", "MatMulBnb4",
    ].contains(operatorType)
  }

  /// Whether the node is a convolution.
  var isConvolution: Bool {
    ["Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "FusedConv", "DeformConv"]
      .contains(operatorType)
  }

  /// Whether the node is a whole attention.
  var isFusedAttention: Bool {
    [
      "Attention", "MultiHeadAttention", "GroupQueryAttention", "PackedAttention",
      "PackedMultiHeadAttention", "DecoderMaskedMultiHeadAttention", "QAttention",
      "LongformerAttention", "SparseAttention", "PagedAttention",
    ].contains(operatorType)
  }

  private var hasKnownDomain: Bool { ["", "com.microsoft"].contains(canonicalDomain) }

  private static let pointwiseAndReductions: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Reciprocal", "Neg", "Abs", "Exp", "Log", "Erf",
    "Min", "Max", "Clip", "Sum", "Where", "Sign", "Relu", "LeakyRelu", "PRelu", "Elu", "Selu",
    "Celu", "Gelu", "FastGelu", "BiasGelu", "QuickGelu", "Sigmoid", "HardSigmoid", "HardSwish",
    "Swish", "Mish", "Tanh", "Softplus", "Softsign", "ThresholdedRelu", "ReduceMean", "ReduceSum",
    "ReduceSumSquare", "ReduceL2", "ReduceL1", "ReduceMax", "ReduceMin", "LayerNormalization",
    "RMSNormalization", "SimplifiedLayerNormalization", "BatchNormalization",
    "InstanceNormalization", "GroupNormalization", "GroupNorm", "LpNormalization",
    "MeanVarianceNormalization", "QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu",
  ]
}
