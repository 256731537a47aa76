import GraphIR
import Operators
import Tensors

/// Operators of eight-bit integers, of sequences and of pictures, in terms of some extents.
extension HostileShapesTests {
  static let products: [Template] = [
    Template("MatMulInteger") { e in
      [byte(e[0], e[1], e[2]), byte(e[2], e[3]), byte(), byte(e[3])]
    },
    Template("MatMulInteger") { e in
      [byte(e[0], e[1], e[2]), byte(1, e[2], e[3]), byte(e[0], e[1], 1)]
    },
    Template("QLinearMatMul") { e in
      [
        byte(e[0], e[1], e[2]), float(), byte(), byte(e[2], e[3]), float(e[3]), byte(e[3]),
        float(), byte(),
      ]
    },
    Template("MatMulIntegerToFloat", microsoft) { e in
      [byte(e[0], e[1], e[2]), byte(e[2], e[3]), float(), float(e[3]), nil, nil, float(e[3])]
    },
    Template("DynamicQuantizeMatMul", microsoft) { e in
      [float(e[0], e[1], e[2]), byte(e[2], e[3]), float(e[3])]
    },
    Template("QGemm", microsoft) { e in
      [
        byte(e[0], e[1]), float(), byte(), byte(e[1], e[2]), float(e[2]), byte(e[2]),
        int32(1, e[2]),
      ]
    },
    Template(
      "MatMulNBits", microsoft,
      { [Attribute("K", $0[2]), Attribute("N", $0[3]), Attribute("block_size", 16)] }
    ) { e in
      let blocks = e[2] / 16 + (e[2] % 16 == 0 ? 0 : 1)
      return [float(e[0], e[1], e[2]), byte(e[3], blocks, 8), float(times(e[3], blocks))]
    },
    Template("QAttention", microsoft, outputs: 2, heads) { e in
      [
        byte(e[0], e[1], e[2]), byte(e[2], times(3, e[3], e[4])), float(times(3, e[3], e[4])),
        float(), float(), int32(e[0]), byte(), byte(), float(2, e[0], e[3], e[5], e[4]),
      ]
    },
    Template("ConvInteger") { e in [byte(e[0], e[1], e[2]), byte(e[3], e[1], e[4])] },
    Template("QuantizeLinear", "", { [Attribute("axis", $0[5] & 1)] }) { e in
      [float(e[0], e[1], e[2]), float(e[5] & 1 == 0 ? e[0] : e[1])]
    },
    Template("DequantizeLinear", "", { _ in [Attribute("axis", 0), Attribute("block_size", 2)] }) {
      e in [byte(e[0], e[1]), float(e[0] / 2 + e[0] % 2, e[1])]
    },
    Template("QLinearSoftmax", microsoft, { _ in [Attribute("opset", 13)] }) { e in
      [byte(e[0], e[1], e[2]), float(), byte(), float(), byte()]
    },
    Template("QLinearGlobalAveragePool", microsoft) { e in
      [byte(e[0], e[1], e[2]), float(), byte(), float(), byte()]
    },
  ]

  static let layers: [Template] = [
    Template("LSTM", outputs: 3) { e in
      [
        float(e[0], e[1], e[2]), float(1, times(4, e[3]), e[2]), float(1, times(4, e[3]), e[3]),
        float(1, times(8, e[3])), int32(e[1]),
      ]
    },
    Template("GRU", outputs: 2, { _ in [Attribute("layout", 1)] }) { e in
      [float(e[0], e[1], e[2]), float(1, times(3, e[3]), e[2]), float(1, times(3, e[3]), e[3])]
    },
    Template("RNN", outputs: 2) { e in
      [float(e[0], e[1], e[2]), float(1, e[3], e[2]), float(1, e[3], e[3])]
    },
    Template("DFT") { e in [float(e[0], e[1], e[2], 2)] },
    Template("GroupNormalization", "", { [Attribute("num_groups", $0[3])] }) { e in
      [
        float(e[0], times(e[3], e[4]), e[1], e[2]), float(times(e[3], e[4])),
        float(times(e[3], e[4])),
      ]
    },
    Template("MeanVarianceNormalization") { e in [float(e[0], e[1], e[2], e[3])] },
    Template("LpNormalization") { e in [float(e[0], e[1], e[2])] },
    Template("LRN", "", { [Attribute("size", $0[3])] }) { e in [float(e[0], e[1], e[2])] },
    Template("ReverseSequence") { e in [float(e[0], e[1], e[2]), int64(e[1])] },
    Template("NegativeLogLikelihoodLoss") { e in [float(e[0], e[1], e[2]), int64(e[0], e[2])] },
    Template("SoftmaxCrossEntropyLoss", outputs: 2) { e in
      [float(e[0], e[1], e[2]), int64(e[0], e[2]), float(e[1])]
    },
  ]

  static let samplers: [Template] = [
    Template("GridSample") { e in [float(e[0], e[1], e[2], e[3]), float(e[0], e[4], e[5], 2)] },
    Template("DeformConv") { e in
      [
        float(e[0], e[1], e[2], e[3]), float(e[4], e[1], 1, 1), float(e[0], 2, e[2], e[3]),
        float(e[4]), float(e[0], 1, e[2], e[3]),
      ]
    },
    Template("MaxRoiPool", "", { [Attribute("pooled_shape", [$0[4], $0[5]])] }) { e in
      [float(e[0], e[1], e[2], e[3]), float(e[4], 5)]
    },
    Template(
      "RoiAlign", "", { [Attribute("output_height", $0[4]), Attribute("output_width", $0[5])] }
    ) { e in [float(e[0], e[1], e[2], e[3]), float(e[2], 4), int64(e[2])] },
    Template("Det") { e in [float(e[0], e[1], e[1])] },
    Template("MaxUnpool", "", { [Attribute("kernel_shape", [$0[4]])] }) { e in
      [float(e[0], e[1], e[2]), int64(e[0], e[1], e[2])]
    },
    Template("LpPool", "", { [Attribute("kernel_shape", [$0[4]])] }) { e in
      [float(e[0], e[1], e[2])]
    },
  ]
}
