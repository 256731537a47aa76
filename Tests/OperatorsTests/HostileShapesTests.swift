import GraphIR
import Operators
import Tensors
import Testing

/// Nodes whose shapes fit but whose extents nobody means: operators refuse them or answer, and never trap.
struct HostileShapesTests {
  /// A node in terms of some extents: batch, steps, keys, heads, width and another width.
  struct Template: Sendable, CustomTestStringConvertible {
    let name, domain: String
    let outputs: Int
    let types: @Sendable (_ e: [Int]) -> [ArrayType?]
    let attributes: @Sendable (_ e: [Int]) -> [Attribute]
    var testDescription: String { "\(domain)::\(name)" }

    init(
      _ name: String, _ domain: String = "", outputs: Int = 1,
      _ attributes: @escaping @Sendable ([Int]) -> [Attribute] = { _ in [] },
      _ types: @escaping @Sendable ([Int]) -> [ArrayType?]
    ) {
      (self.name, self.domain, self.outputs) = (name, domain, outputs)
      (self.types, self.attributes) = (types, attributes)
    }
  }

  static let microsoft = "com.microsoft"
  private static let extents = [0, 0, 1, 1, 1, 2, 2, 3, 1 << 20, 1 << 40, 1 << 61, .max]

  @Sendable static func float(_ shape: Int...) -> ArrayType { ArrayType(.float, shape) }
  @Sendable static func byte(_ shape: Int...) -> ArrayType { ArrayType(.uint8, shape) }
  @Sendable static func int32(_ shape: Int...) -> ArrayType { ArrayType(.int32, shape) }
  @Sendable static func int64(_ shape: Int...) -> ArrayType { ArrayType(.int64, shape) }
  @Sendable static func times(_ factors: Int...) -> Int { saturatingProduct(factors) }
  @Sendable static func heads(_ e: [Int]) -> [Attribute] {
    [Attribute("num_heads", e[3])]
  }
  @Sendable static func pairs(_ e: [Int]) -> [Attribute] {
    [Attribute("q_num_heads", times(2, e[3])), Attribute("kv_num_heads", e[3])]
  }

  private static let attention: [Template] = [
    Template("Attention", outputs: 4) { e in
      [
        float(e[0], times(2, e[3]), e[1], e[4]), float(e[0], e[3], e[2], e[4]),
        float(e[0], e[3], e[2], e[5]), nil, float(e[0], e[3], e[1], e[4]),
        float(e[0], e[3], e[1], e[5]),
      ]
    },
    Template("Attention", "", outputs: 3, pairs) { e in
      [
        float(e[0], e[1], times(2, e[3], e[4])), float(e[0], e[2], times(e[3], e[4])),
        float(e[0], e[2], times(e[3], e[5])), float(e[1], e[2]),
      ]
    },
    Template("LinearAttention", "", outputs: 2, pairs) { e in
      [
        float(e[0], e[1], times(2, e[3], e[4])), float(e[0], e[1], times(e[3], e[4])),
        float(e[0], e[1], times(e[3], e[5])), nil, float(e[0], e[1], e[3]), float(e[0], e[1], 1),
      ]
    },
    Template("CausalConvWithState", outputs: 2) { e in
      [float(e[0], e[3], e[1]), float(e[3], 1, e[2]), float(e[3])]
    },
    Template("RotaryEmbedding", "", heads) { e in
      [
        float(e[0], e[1], times(2, e[3], e[4])), float(e[5], e[4]), float(e[5], e[4]),
        int64(e[0], e[1]),
      ]
    },
    Template("TensorScatter", "", { [Attribute("axis", $0[0] & 1 == 0 ? 1 : -1)] }) { e in
      [float(e[0], e[1], e[2]), float(e[0], e[1], e[2]), int64(e[0])]
    },
    Template("RotaryEmbedding", microsoft) { e in
      [float(e[0], e[3], e[1], times(2, e[4])), int64(1), float(e[5], e[4]), float(e[5], e[4])]
    },
    Template("SkipLayerNormalization", microsoft, outputs: 4) { e in
      [float(e[0], e[1], e[4]), float(e[1], e[4]), float(e[4]), float(e[4]), float(e[4])]
    },
    Template("EmbedLayerNormalization", microsoft, outputs: 3) { e in
      [
        int32(e[0], e[1]), nil, float(e[2], e[4]), float(e[3], e[4]), nil, float(e[4]),
        float(e[4]), int32(e[0], e[1]),
      ]
    },
    Template("GroupNorm", microsoft, { [Attribute("groups", $0[3])] }) { e in
      [
        float(e[0], e[1], e[2], times(e[3], e[4])), float(times(e[3], e[4])),
        float(times(e[3], e[4])),
      ]
    },
    Template("FusedMatMul", microsoft, { [Attribute("transBatchA", $0[0] & 1)] }) { e in
      [float(e[0], e[1], e[2]), float(e[2], e[4])]
    },
    Template("Attention", microsoft, outputs: 2, heads) { e in
      [
        float(e[0], e[1], e[2]), float(e[2], times(3, e[3], e[4])), float(times(3, e[3], e[4])),
        int32(e[0]), float(2, e[0], e[3], e[5], e[4]),
      ]
    },
    Template("MultiHeadAttention", microsoft, outputs: 3, heads) { e in
      [
        float(e[0], e[1], times(e[3], e[4])), float(e[0], e[2], times(e[3], e[4])),
        float(e[0], e[2], times(e[3], e[5])), nil, int32(e[0]), nil,
        float(e[0], e[3], e[1], e[4]), float(e[0], e[3], e[1], e[5]),
      ]
    },
    Template("MultiHeadAttention", microsoft, heads) { e in [float(e[0], e[1], e[3], 3, e[4])] },
    Template("MultiHeadAttention", microsoft, heads) { e in
      [float(e[0], e[1], times(e[3], e[4])), float(e[0], e[2], e[3], 2, e[4])]
    },
    Template(
      "GroupQueryAttention", microsoft,
      { [Attribute("num_heads", times(2, $0[3])), Attribute("kv_num_heads", $0[3])] }
    ) { e in
      [
        float(e[0], e[1], times(2, e[3], e[4])), float(e[0], e[1], times(e[3], e[4])),
        float(e[0], e[1], times(e[3], e[4])), float(e[0], e[3], e[2], e[4]),
        float(e[0], e[3], e[2], e[4]), int32(e[0]), int32(1),
      ]
    },
  ]

  @Test(arguments: attention + products + layers + samplers) func neverTraps(_ template: Template)
    throws
  {
    var state: UInt64 = 1
    func pick() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Self.extents[Int((state >> 33) % UInt64(Self.extents.count))]
    }
    var (inferred, evaluated) = (0, 0)
    for _ in 0..<4000 {
      let extents = (0..<6).map { _ in pick() }
      let types = template.types(extents)
      guard types.allSatisfy({ type in type.map { (try? $0.checked()) != nil } ?? true }) else {
        continue
      }
      let node = Node(
        template.name, domain: template.domain,
        inputs: types.enumerated().map { $1 == nil ? nil : ValueID($0) },
        outputs: (0..<template.outputs).map { ValueID(types.count + $0) },
        attributes: template.attributes(extents))
      guard let operation = try? OperatorRegistry.standard.instantiate(node, opset: 28),
        case .types(let results)? = try? operation.infer(types.map { $0.map { Operand($0) } })
      else { continue }
      inferred += 1
      for result in results { _ = try result.checked() }
      #expect(operation.multiplyAdds(types, results) >= 0)
      #expect(operation.scratchByteCount(types, results) >= 0)
      guard types.allSatisfy({ ($0?.byteCount ?? 0) <= 1 << 16 }) else { continue }
      evaluated += 1
      let tensors = try types.map { type -> Tensor? in
        guard let type else { return nil }
        let bytes = [UInt8](repeating: 0, count: type.byteCount)
        return try Tensor(type.elementType, shape: type.shape, region: ByteRegion(copying: bytes))
      }
      _ = try? operation.evaluate(tensors: tensors, maximumBytes: 1 << 20)
    }
    #expect(inferred > 20 && evaluated > 20, "the template is refused too often to mean anything")
  }
}
