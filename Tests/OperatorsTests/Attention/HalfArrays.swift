import Tensors

extension NaiveArray {
  /// The elements rounded to `float16`.
  var asFloat16: Tensor { half(.float16) { Float16($0).bitPattern } }

  /// The elements rounded to `bfloat16`, which must be exact but for trailing bits of `Float`.
  var asBFloat16: Tensor {
    half(.bfloat16) { UInt16(truncatingIfNeeded: Float($0).bitPattern >> 16) }
  }

  private func half(_ type: ElementType, _ bits: (Double) -> UInt16) -> Tensor {
    let bytes = values.flatMap { value in
      let pattern = bits(value)
      return [UInt8(truncatingIfNeeded: pattern), UInt8(truncatingIfNeeded: pattern >> 8)]
    }
    do throws(TensorError) {
      return try Tensor(type, shape: shape, region: ByteRegion(copying: bytes))
    } catch { preconditionFailure(error.message) }
  }

  /// The elements as integers of a type.
  func integers<Element: TensorElement & FixedWidthInteger>(_ type: Element.Type) -> Tensor {
    Tensor(values.map { Element(truncatingIfNeeded: Int($0)) }, shape: shape)
  }

  /// Fractions between -1 and 1 that `float16` and `bfloat16` hold exactly.
  init(eighths shape: [Int], seed: Int = 1) {
    let whole = NaiveArray(integers: shape, seed: seed)
    self.init(shape) { whole[$0] / 8 }
  }
}
