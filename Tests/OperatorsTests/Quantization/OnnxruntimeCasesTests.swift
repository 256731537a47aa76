import GraphIR
import Operators
import Tensors
import Testing

/// Quantised operators, held to the outputs that onnxruntime 1.32 gave for one-node models of these
/// inputs, run on its CPU provider without optimisation.
///
/// Products of uint8 and int8 take weights of seven bits: onnxruntime's kernels for AVX2 saturate sums
/// of two larger ones. Codes may lie one step apart where a case says so: there onnxruntime rounds
/// quotients of scales or exponentials first. Floats agree to 1e-5, 80 roundings of terms that cancel
/// little.
struct OnnxruntimeCasesTests {
  @Test(arguments: cases)
  func agrees(_ testCase: OperatorCase) throws { try testCase.check() }

  static let cases: [OperatorCase] = [
    OperatorCase(
      "QLinearAdd", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.1"), .uint8("10"),
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.2"), .uint8("3"), .float("0.4"),
        .uint8("5"),
      ], gives: [.uint8("1 38 76 114 151 192", [2, 3])], tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearAdd", domain: "com.microsoft", opset: 1,
      [
        .int8("-128 -50 0 17 100 127", [2, 3]), .float("0.1"), .int8("0"),
        .int8("-128 -50 0", [1, 3]), .float("0.2"), .int8("3"), .float("0.2"), .int8("-1"),
      ], gives: [.int8("-128 -79 -4 -124 -4 60", [2, 3])], tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearMul", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.1"), .uint8("10"),
        .uint8("0 50 100", [1, 3]), .float("0.02"), .uint8("3"), .float("1"), .uint8("5"),
      ], gives: [.uint8("5 9 22 4 23 53", [2, 3])], tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearMul", domain: "com.microsoft", opset: 1,
      [
        .int8("-128 -50 0 17 100 127", [2, 3]), .float("0.1"), .int8("10"),
        .int8("-128 -50 0 17 100 127", [2, 3]), .float("0.02"), .int8("3"), .float("0.3"),
        .int8("5"),
      ], gives: [.int8("126 26 5 6 63 102", [2, 3])], tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearSigmoid", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.02"), .uint8("128"), .float("0.00390625"),
        .uint8("0"),
      ], gives: [.uint8("18 44 93 156 207 237", [2, 3])], tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearLeakyRelu", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.02"), .uint8("128"), .float("0.03"),
        .uint8("100"),
      ], [Attribute("alpha", 0.1)], gives: [.uint8("91 95 98 115 148 185", [2, 3])]),
    OperatorCase(
      "QLinearLeakyRelu", domain: "com.microsoft", opset: 1,
      [
        .int8("-128 -50 0 17 100 127", [2, 3]), .float("0.02"), .int8("0"), .float("0.03"),
        .int8("9"),
      ], gives: [.int8("8 9 9 20 76 94", [2, 3])]),
    OperatorCase(
      "QLinearConcat", domain: "com.microsoft", opset: 1,
      [
        .float("0.5"), .uint8("7"), .uint8("0 50 100 150 200 255", [2, 3]), .float("0.1"),
        .uint8("10"), .uint8("0 150", [2, 1]), .float("0.2"), .uint8("3"),
      ], [Attribute("axis", 1)], gives: [.uint8("5 15 25 6 35 45 56 66", [2, 4])]),
    OperatorCase(
      "QLinearGlobalAveragePool", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [1, 2, 3, 1]), .float("0.1"), .uint8("10"), .float("0.2"),
        .uint8("3"),
      ], [Attribute("channels_last", 0)], gives: [.uint8("23 99", [1, 2, 1, 1])]),
    OperatorCase(
      "QLinearAveragePool", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [1, 1, 2, 3]), .float("0.1"), .uint8("10"), .float("0.2"),
        .uint8("3"),
      ], [Attribute("kernel_shape", [2, 2]), Attribute("pads", [1, 1, 1, 1])],
      gives: [.uint8("0 10 36 48 36 48 74 87 73 86 112 126", [1, 1, 3, 4])],
      tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearAveragePool", domain: "com.microsoft", opset: 1,
      [
        .int8("-128 -50 0 17 100 127", [1, 1, 2, 3]), .float("0.1"), .int8("10"), .float("0.2"),
        .int8("3"),
      ],
      [
        Attribute("kernel_shape", [2, 2]), Attribute("pads", [1, 1, 1, 1]),
        Attribute("count_include_pad", 1),
      ], gives: [.int8("-14 -22 -6 2 -13 -10 20 16 4 15 29 18", [1, 1, 3, 4])],
      tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QGemm", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.1"), .uint8("10"),
        .uint8("0 150 50 200 100 255", [3, 2]), .float("0.2"), .uint8("3"), .int32("100 -100"),
        .float("400"), .uint8("5"),
      ], [Attribute("alpha", 0.5)], gives: [.uint8("5 6 6 8", [2, 2])]),
    OperatorCase(
      "QGemm", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.1"), .uint8("10"),
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.1 0.2"), .uint8("3 9"),
        .int32("100 -100", [2, 1]),
      ], [Attribute("alpha", 0.5), Attribute("transB", 1)],
      gives: [.float("53.700005 284.7 160.87502 1162.0001", [2, 2])],
      tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "QLinearWhere", domain: "com.microsoft", opset: 1,
      [
        Tensor([true, false, true], shape: [3]), .uint8("0 50 100 150 200 255", [2, 3]),
        .float("0.1"), .uint8("10"), .uint8("0 50 100 150 200 255", [2, 3]), .float("0.2"),
        .uint8("3"), .float("0.25"), .uint8("4"),
      ], gives: [.uint8("0 42 40 60 162 102", [2, 3])]),
    OperatorCase(
      "DynamicQuantizeMatMul", domain: "com.microsoft", opset: 1,
      [
        .float(
          "0 0.3 -0.27 -0.89 -0.45 -0.99 0.06 1.34 -0.49 -0.62 0.49 0.36 "
            + "0.11 -0.93 -0.03 0.7 -1.34 -0.46 -1.9 -1.29 -1.84 -0.24 -1.27 "
            + "0.27 0.16 -0.19 -2.52 -0.54 -0.05 0.11", [2, 3, 5]),
        .int8("-28 0 -15 -31 60 -59 -49 -37 57 23 46 -36 27 -16 -1", [5, 3]), .float("0.1 0.2 0.3"),
        .int8("1 2 3"), .float("1 2 3"),
      ],
      gives: [
        .float(
          "-1.7519529 1.4126744 3.949106 -5.755757 -9.440738 35.424004 "
            + "-4.207216 -2.8227296 6.183365 -1.9790118 -22.516298 40.800755 "
            + "14.5205965 11.645459 -6.509224 12.511883 -23.600126 42.376545", [2, 3, 3])
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "DynamicQuantizeMatMul", domain: "com.microsoft", opset: 1,
      [
        .float(
          "0 0.3 -0.27 -0.89 -0.45 -0.99 0.06 1.34 -0.49 -0.62 0.49 0.36 "
            + "0.11 -0.93 -0.03 0.7 -1.34 -0.46 -1.9 -1.29 -1.84 -0.24 -1.27 "
            + "0.27 0.16 -0.19 -2.52 -0.54 -0.05 0.11", [2, 3, 5]),
        .uint8("0 158 212 169 39 136 68 247 225 47 130 240 216 181 163", [5, 3]), .float("0.1"),
      ],
      gives: [
        .float(
          "-10.742909 -25.379122 -30.849726 -5.497851 0.43595293 "
            + "-11.464957 1.8664235 -0.86433727 -5.0603843 -62.61223 "
            + "-53.55258 -80.52566 -7.8622904 -54.97397 -61.80087 -44.096336 "
            + "-25.041561 -49.969593", [2, 3, 3])
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "MatMulIntegerToFloat", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .uint8("0 150 50 200 100 255", [3, 2]),
        .float("0.1"), .float("0.1 0.2"), .uint8("10"), .uint8("1 2"), .float("1 2"),
      ], gives: [.float("109.80001 586.2 335.25003 2408.5002", [2, 2])],
      tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "MatMulIntegerToFloat", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .int8("-55 29 -3 -49 -31 5", [3, 2]), .float("0.1"),
        .float("0.1"),
      ], gives: [.float("-32.500004 -19.500002 -167.55002 -41.750004", [2, 2])],
      tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "MatMulNBits", domain: "com.microsoft", opset: 1,
      [
        .float(
          "0.12 -0.64 2 0.76 -1.2 0.07 0.58 -0.19 0.68 -0.07 0.67 1.44 "
            + "-0.68 0.2 -0.46 0.13 -1.19 -0.58 -0.2 0.9 1.15 -1.32 -0.79 "
            + "0.65 -1.99 -0.46 -0.1 1.26 0.69 -0.33 -0.37 -0.25 1.52 -0.43 "
            + "-0.3 0.35 -0.12 -0.2 -1.11 -0.01", [2, 20]),
        .uint8(
          "251 105 54 61 182 9 248 224 145 119 194 140 122 82 114 192 14 "
            + "6 184 95 205 7 232 31 106 247 27 168 186 109 20 134 110 223 "
            + "174 88 14 151 71 175 221 90 231 132 135 195 202 232", [3, 2, 8]),
        .float("0.1 0.2 0.3 0.1 0.2 0.3"),
      ],
      [Attribute("K", 20), Attribute("N", 3), Attribute("bits", 4), Attribute("block_size", 16)],
      gives: [
        .float("0.97999996 -2.8920004 -0.45700005 -0.4130002 1.7250004 " + "-1.8730003", [2, 3])
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "MatMulNBits", domain: "com.microsoft", opset: 1,
      [
        .float(
          "0.12 -0.64 2 0.76 -1.2 0.07 0.58 -0.19 0.68 -0.07 0.67 1.44 "
            + "-0.68 0.2 -0.46 0.13 -1.19 -0.58 -0.2 0.9 1.15 -1.32 -0.79 "
            + "0.65 -1.99 -0.46 -0.1 1.26 0.69 -0.33 -0.37 -0.25 1.52 -0.43 "
            + "-0.3 0.35 -0.12 -0.2 -1.11 -0.01", [2, 20]),
        .uint8(
          "255 38 105 238 78 1 147 192 190 207 164 35 216 107 216 208 248 "
            + "3 221 160 124 203 243 131 22 185 59 57 49 50 232 92 27 45 101 "
            + "88 79 242 221 146 252 87 35 69 22 243 56 113", [3, 2, 8]),
        .float("0.1 0.2 0.3 0.1 0.2 0.3"), .uint8("51 250 40"), nil, .float("1 2 3"),
      ],
      [Attribute("K", 20), Attribute("N", 3), Attribute("bits", 4), Attribute("block_size", 16)],
      gives: [.float("-1.2260001 -2.474 2.8579998 -1.8060002 -4.775 4.6200004", [2, 3])],
      tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "MatMulNBits", domain: "com.microsoft", opset: 1,
      [
        .float(
          "-0.27 -0.16 -0.98 1.1 -0.54 -0.05 -0.79 -0.63 -1.28 1.26 -0.15 "
            + "0.97 0.01 -0.69 -0.33 -0.56 0.01 -0.38 -0.3 -1.38 -0.81 1.65 "
            + "-0.67 -1.05 0.34 1.41 -1.45 -0.21 -0.63 -1.76 0.73 -0.02 0.07 "
            + "-0.75 0.45 -0.54 -0.14 -1.11 -1.22 1.34", [2, 20]),
        .uint8(
          "131 235 233 177 205 189 224 227 133 208 234 76 11 43 7 111 5 "
            + "66 64 180 63 243 48 248 145 62 9 78 151 27 42 29 173 22 5 116 "
            + "79 145 240 219 137 164 207 111 168 55 156 60 48 194 147 96 10 "
            + "60 205 119 245 230 218 4 12 148 86 215 81 39 28 77 160 32 204 "
            + "77 80 169 220 111 204 78 33 212 196 192 225 127 50 149 146 98 "
            + "163 67 155 203 24 116 169 13", [3, 2, 16]), .float("0.1 0.2 0.3 0.1 0.2 0.3"),
      ],
      [Attribute("K", 20), Attribute("N", 3), Attribute("bits", 8), Attribute("block_size", 16)],
      gives: [.float("-17.524002 24.376003 10.755998 41.688 -71.219 -106.454", [2, 3])],
      tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "MatMulNBits", domain: "com.microsoft", opset: 1,
      [
        .float(
          "-0.27 -0.16 -0.98 1.1 -0.54 -0.05 -0.79 -0.63 -1.28 1.26 -0.15 "
            + "0.97 0.01 -0.69 -0.33 -0.56 0.01 -0.38 -0.3 -1.38 -0.81 1.65 "
            + "-0.67 -1.05 0.34 1.41 -1.45 -0.21 -0.63 -1.76 0.73 -0.02 0.07 "
            + "-0.75 0.45 -0.54 -0.14 -1.11 -1.22 1.34", [2, 20]),
        .uint8(
          "161 233 210 175 205 92 83 21 184 80 222 119 228 35 41 88 6 125 "
            + "166 169 54 42 144 162 241 229 97 41 64 225 116 254 168 152 25 "
            + "151 97 215 34 49 169 174 212 134 96 78 95 169 138 75 55 181 63 "
            + "53 84 218 117 152 20 88 192 197 148 224 76 42 19 51 195 231 33 "
            + "128 34 216 33 163 20 188 232 187 68 215 78 192 213 124 158 218 "
            + "47 5 111 46 226 221 96 79", [3, 2, 16]), .float("0.1 0.2 0.3 0.1 0.2 0.3"),
        .uint8("181 116 24 169 186 17"), nil, .float("1 2 3"),
      ],
      [Attribute("K", 20), Attribute("N", 3), Attribute("bits", 8), Attribute("block_size", 16)],
      gives: [.float("-4.1450005 -8.453998 -10.875004 49.515003 8.22401 51.838005", [2, 3])],
      tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "MatMulNBits", domain: "com.microsoft", opset: 1,
      [
        .float(
          "0.77 0.38 -2.61 0.25 -0.06 0.08 -1.08 -0.27 -0.18 1.19 0.33 "
            + "-0.01 1.53 -0.56 -0.39 -1.82 1.57 0.96 0.92 0.67", [1, 20]),
        .uint8(
          "198 154 101 79 164 50 47 223 194 151 193 82 184 52 113 37 96 "
            + "87 107 121 8 87 216 110 138 26 99 248 140 5 184 197 97 8 212 "
            + "64 235 93 99 203 35 7 194 237 254 32 37 86", [3, 2, 8]),
        .float("0.1 0.2 0.3 0.1 0.2 0.3"), .float("7.5 8 1 2 3 4"),
      ],
      [Attribute("K", 20), Attribute("N", 3), Attribute("bits", 4), Attribute("block_size", 16)],
      gives: [.float("-2.0925004 -7.903001 -4.3710003", [1, 3])],
      tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "QuantizeLinear", domain: "com.microsoft", opset: 1,
      [
        .float("35.2 -30.8 23.199999 60.8 -12.4 -24", [2, 3]), .float("0.3 0.2 0.4"),
        .uint8("10 20 30"),
      ], [Attribute("axis", 1)], gives: [.uint8("127 0 88 213 0 0", [2, 3])]),
    OperatorCase(
      "DequantizeLinear", domain: "com.microsoft", opset: 1,
      [.int8("-128 -50 0 17 100 127", [2, 3]), .float("0.3 0.2"), .int8("10 20")],
      [Attribute("axis", 0)], gives: [.float("-41.4 -18 -3 -0.6 16 21.4", [2, 3])]),
    OperatorCase(
      "QLinearConv", opset: 10,
      [
        .uint8(
          "63 15 100 190 58 131 31 108 8 252 128 215 31 42 45 145 220 155 "
            + "123 241 47 42 171 218 68 66 134 199 72 210 132 180 160 123 137 "
            + "254 101 241 202 46", [1, 2, 5, 4]), .float("0.1"), .uint8("120"),
        .int8(
          "26 55 -7 52 30 43 -37 -6 50 30 -34 42 33 -43 -52 -29 -3 -42 "
            + "-57 -47 -23 -13 -23 -6 27 -31 -5 28 -54 53 60 -25 47 -30 50 19", [4, 1, 3, 3]),
        .float("0.1 0.2 0.3 0.4"), .int8("0 0 0 0"), .float("15"), .uint8("128"),
        .int32("10 -500 300 0"),
      ], [Attribute("group", 2), Attribute("pads", [1, 0, 1, 2]), Attribute("strides", [2, 1])],
      gives: [
        .uint8(
          "122 126 131 131 127 136 130 130 128 129 130 133 140 120 126 "
            + "131 114 132 122 130 125 122 116 134 134 123 119 130 138 124 "
            + "109 125 117 114 115 115 126 135 139 137 120 163 132 133 132 " + "149 128 126",
          [1, 4, 3, 4])
      ]),
    OperatorCase(
      "QLinearConv", opset: 10,
      [
        .int8("45 -14 -39 -30 -44 -19 -47 5 58 56 53 -31 -33 22", [1, 2, 7]), .float("0.1"),
        .int8("-3"), .int8("57 39 -35 29 1 -7 0 6 50 35 -56 32 -22 -20 12 59 -52 2", [3, 2, 3]),
        .float("0.2"), .int8("0"), .float("8"), .int8("5"),
      ], [Attribute("dilations", [2])], gives: [.int8("13 7 3 -10 -2 10 -4 8 20", [1, 3, 3])]),
    OperatorCase(
      "QLinearMatMul", opset: 10,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.1"), .uint8("10"),
        .uint8("60 233 119 218 225 25", [3, 2]), .float("0.1 0.2"), .uint8("3 200"), .float("9"),
        .uint8("100"),
      ], gives: [.uint8("127 66 194 23", [2, 2])]),
    OperatorCase(
      "QAttention", domain: "com.microsoft", opset: 1,
      [
        .uint8(
          "194 202 212 252 194 213 181 75 217 179 174 249 188 86 77 83 42 "
            + "20 193 200 42 100 235 214", [2, 3, 4]),
        .int8(
          "12 57 -21 42 53 11 -42 -25 2 -27 -49 -40 56 -14 9 -7 37 -48 "
            + "-26 10 37 -5 25 36 17 39 55 -34 -8 -33 -10 -60 23 -32 41 26 "
            + "-20 -6 21 -10 -35 -55 6 4 33 -45 -53 29", [4, 12]),
        .float("-0.18 1.59 -0.65 0.16 -1.67 -0.38 0.98 -1.25 1.07 0.34 -1.04 " + "-0.5"),
        .float("0.02"), .float("0.03"), nil, .uint8("120"), .int8("0"),
      ], [Attribute("num_heads", 2)],
      gives: [
        .float(
          "3.1742 -1.0939999 -4.1491733 2.4333012 3.1742 -1.0939999 "
            + "-3.0328138 1.4569868 3.1742 -1.0939999 -3.7892456 1.7944372 "
            + "-0.92701715 1.1622941 -3.4303973 -4.1809945 1.3504062 "
            + "-1.6594099 -0.48611826 2.4904113 1.3002859 -1.5860192 " + "-0.7937013 2.0385334",
          [2, 3, 4])
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "QAttention", domain: "com.microsoft", opset: 1,
      [
        .uint8(
          "194 202 212 252 194 213 181 75 217 179 174 249 188 86 77 83 42 "
            + "20 193 200 42 100 235 214", [2, 3, 4]),
        .int8(
          "12 57 -21 42 53 11 -42 -25 2 -27 -49 -40 56 -14 9 -7 37 -48 "
            + "-26 10 37 -5 25 36 17 39 55 -34 -8 -33 -10 -60 23 -32 41 26 "
            + "-20 -6 21 -10 -35 -55 6 4 33 -45 -53 29", [4, 12]),
        .float("-0.18 1.59 -0.65 0.16 -1.67 -0.38 0.98 -1.25 1.07 0.34 -1.04 " + "-0.5"),
        .float("0.02"), .float("0.03"), .int32("2 3"), .uint8("120"), .int8("0"),
      ], [Attribute("num_heads", 2)],
      gives: [
        .float(
          "3.1742 -1.0939999 -3.369571 2.8633327 3.1742 -1.0939999 "
            + "-1.1635302 1.4050041 3.1742 -1.0939999 -2.0896542 2.0172288 "
            + "-0.92701715 1.1622941 -3.4303973 -4.1809945 1.3504062 "
            + "-1.6594099 -0.48611826 2.4904113 1.3002859 -1.5860192 " + "-0.7937013 2.0385334",
          [2, 3, 4])
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "QAttention", domain: "com.microsoft", opset: 1,
      [
        .uint8(
          "194 202 212 252 194 213 181 75 217 179 174 249 188 86 77 83 42 "
            + "20 193 200 42 100 235 214", [2, 3, 4]),
        .int8(
          "12 57 -21 42 53 11 -42 -25 2 -27 -49 -40 56 -14 9 -7 37 -48 "
            + "-26 10 37 -5 25 36 17 39 55 -34 -8 -33 -10 -60 23 -32 41 26 "
            + "-20 -6 21 -10 -35 -55 6 4 33 -45 -53 29", [4, 12]),
        .float("-0.18 1.59 -0.65 0.16 -1.67 -0.38 0.98 -1.25 1.07 0.34 -1.04 " + "-0.5"),
        .float("0.02"), .float("0.03"), .int32("3 3 1 0"), .uint8("120"), .int8("0"),
      ], [Attribute("num_heads", 2)],
      gives: [
        .float(
          "3.1742 -1.0939999 -4.4967113 1.2293621 3.1742 -1.0939999 "
            + "-2.706235 0.8053594 3.1742 -1.0939999 -3.7209103 1.0456448 "
            + "-0.92701715 1.1622941 -3.4303973 -4.1809945 1.3504062 "
            + "-1.6594099 -0.48611826 2.4904113 1.3002859 -1.5860192 " + "-0.7937013 2.0385334",
          [2, 3, 4])
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "QAttention", domain: "com.microsoft", opset: 1,
      [
        .uint8(
          "194 202 212 252 194 213 181 75 217 179 174 249 188 86 77 83 42 "
            + "20 193 200 42 100 235 214", [2, 3, 4]),
        .int8(
          "12 57 -21 42 53 11 -42 -25 2 -27 -49 -40 56 -14 9 -7 37 -48 "
            + "-26 10 37 -5 25 36 17 39 55 -34 -8 -33 -10 -60 23 -32 41 26 "
            + "-20 -6 21 -10 -35 -55 6 4 33 -45 -53 29", [4, 12]),
        .float("-0.18 1.59 -0.65 0.16 -1.67 -0.38 0.98 -1.25 1.07 0.34 -1.04 " + "-0.5"),
        .float("0.02"), .float("0.03"), .int32("1 0 1 1 1 0", [2, 3]), .uint8("120"), .int8("0"),
      ], [Attribute("num_heads", 2), Attribute("unidirectional", 1)],
      gives: [
        .float(
          "6.8624 -6.4351997 -3.9199998 3.2271998 6.8624 -6.4351997 "
            + "-3.9199998 3.2271998 5.797002 -5.928866 -4.986003 2.2567625 "
            + "-0.9291998 1.165 -3.4304 -4.1809998 1.3478 -1.6579999 "
            + "-0.9950007 1.7427983 1.2811028 -1.5753094 -0.99499995 1.7428", [2, 3, 4])
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "QAttention", domain: "com.microsoft", opset: 1,
      [
        .uint8(
          "194 202 212 252 194 213 181 75 217 179 174 249 188 86 77 83 42 "
            + "20 193 200 42 100 235 214", [2, 3, 4]),
        .int8(
          "12 57 -21 42 53 11 -42 -25 2 -27 -49 -40 56 -14 9 -7 37 -48 "
            + "-26 10 37 -5 25 36 17 39 55 -34 -8 -33 -10 -60 23 -32 41 26 "
            + "-20 -6 21 -10 -35 -55 6 4 33 -45 -53 29", [4, 12]),
        .float("-0.18 1.59 -0.65 0.16 -1.67 -0.38 0.98 -1.25 1.07 0.34 -1.04 " + "-0.5"),
        .float("0.02"),
        .float(
          "0.01 0.013636364 0.017272728 0.020909091 0.024545455 "
            + "0.028181817 0.03181818 0.035454545 0.03909091 0.042727273 " + "0.046363637 0.05"),
        nil, .uint8("120"), .int8("0 0 0 0 0 0 0 0 0 0 0 0"),
        .float(
          "-0.46 -0.05 -0.54 -0.83 -0.3 -1.03 -1.29 -0.05 0.88 -1.53 0 "
            + "-0.65 -0.98 0.85 -0.52 1.5 -0.78 0.39 -0.23 -0.75 0.59 -0.15 "
            + "0.6 -0.05 -1.09 -0.1 0.05 0.96 -0.91 -0.04 -1.72 0.65", [2, 2, 2, 2, 2]),
      ], [Attribute("num_heads", 2), Attribute("unidirectional", 1)],
      gives: [
        .float(
          "-0.7019125 0.22814612 -1.2737315 1.6585256 -0.09554356 "
            + "-0.031598356 0.32792053 0.35857162 -0.6374362 0.20136303 "
            + "-0.12826784 0.3332776 -1.5305116 1.5127196 -1.3884798 "
            + "0.30636662 1.3297318 -2.365147 -0.9708174 3.237041 -1.2114035 "
            + "1.108831 0.2022112 5.0959153", [2, 3, 4]),
        .float(
          "-0.46 -0.05 -0.54 -0.83 -0.8845454 -7.942873 2.4781818 "
            + "-2.1768727 -0.5031091 -6.378218 -0.3 -1.03 -1.29 -0.05 "
            + "-2.4359999 -5.5201454 -3.0965452 -4.6252728 -2.4398181 "
            + "-4.482745 0.88 -1.53 0 -0.65 0.28627276 2.9082546 -7.177018 "
            + "-1.9959455 -6.1294184 -5.3755093 -0.98 0.85 -0.52 1.5 "
            + "-0.14254546 -0.97203636 4.5601816 -3.4552727 3.0227273 -4.6352 "
            + "-0.78 0.39 -0.23 -0.75 8.617673 -9.309527 3.8118362 -1.7023636 "
            + "7.2276 -8.587436 0.59 -0.15 0.6 -0.05 -5.490909 5.7120004 "
            + "2.2842727 0.16900003 -8.366382 2.8890002 -1.09 -0.1 0.05 0.96 "
            + "-1.5350181 1.515 1.4319818 -2.5056365 4.8626 -4.534327 -0.91 "
            + "-0.04 -1.72 0.65 -4.7342544 -6.635 -0.9704545 3.2380002 " + "1.7928183 7.616",
          [2, 2, 2, 5, 2]),
      ], tolerance: Tolerance(relative: 1e-5, absolute: 1e-5)),
    OperatorCase(
      "QLinearSoftmax", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.02"), .uint8("128"), .float("0.00390625"),
        .uint8("0"),
      ], [Attribute("axis", -1), Attribute("opset", 13)],
      gives: [.uint8("23 63 170 22 59 176", [2, 3])], tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearSoftmax", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [3, 2]), .float("0.02"), .uint8("128"), .float("0.00390625"),
        .uint8("0"),
      ], [Attribute("axis", 0), Attribute("opset", 13)],
      gives: [.uint8("4 4 30 28 222 225", [3, 2])], tolerance: Tolerance(absolute: 1)),
    OperatorCase(
      "QLinearSoftmax", domain: "com.microsoft", opset: 1,
      [
        .uint8("0 50 100 150 200 255", [2, 3]), .float("0.01"), .uint8("128"), .float("0.00390625"),
        .uint8("0"),
      ], [Attribute("axis", 0), Attribute("opset", 12)],
      gives: [.uint8("9 14 23 38 63 109", [2, 3])], tolerance: Tolerance(absolute: 1)),
  ]
}

extension Tensor {
  /// Numbers apart by spaces; one axis unless a shape is given.
  static func uint8(_ text: String, _ shape: [Int]? = nil) -> Tensor {
    read(text, shape) { UInt8($0) }
  }
  static func int8(_ text: String, _ shape: [Int]? = nil) -> Tensor {
    read(text, shape) { Int8($0) }
  }
  static func int32(_ text: String, _ shape: [Int]? = nil) -> Tensor {
    read(text, shape) { Int32($0) }
  }
  static func float(_ text: String, _ shape: [Int]? = nil) -> Tensor {
    read(text, shape) { Float($0) }
  }

  private static func read<Element: TensorElement>(
    _ text: String, _ shape: [Int]?, _ parse: (Substring) -> Element?
  ) -> Tensor {
    let elements = text.split(separator: " ").map { parse($0)! }
    return Tensor(elements, shape: shape ?? [elements.count])
  }
}
