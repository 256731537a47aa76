import GraphIR
import Kernels
import Tensors

/// A convolution of eight-bit integers, less their zero points, as `ConvInteger` and `QLinearConv` share.
///
/// Shapes: x [N, C, spatial…], w [M, C / group, kernel…]; the zero point of x one number, of w one number
/// or one for each of the M output channels.
/// Attributes: auto_pad, dilations, group, kernel_shape, pads, strides.
struct EightBitConvolution: Sendable {
  private let name: String
  private let attributes: SpatialAttributes
  private let group: Int

  init(_ name: String, _ node: Node) throws(OperatorError) {
    self.name = name
    attributes = try SpatialAttributes(node)
    group = try node.integer("group", default: 1)
    guard (1...Int(Int32.max)).contains(group) else {
      throw OperatorError(.invalidAttribute, "attribute 'group' must be positive, got \(group)")
    }
  }

  /// The geometry of one image, and the shape of the result.
  struct Plan {
    let kernel: IntegerConvolution
    let shape: [Int]
    let imageCount: Int
    let weightCount: Int
    /// Elements of the result for one image.
    let sumCount: Int
  }

  func plan(
    _ x: ArrayType, _ w: ArrayType, xZero: ArrayType?, wZero: ArrayType?
  ) throws(OperatorError) -> Plan {
    for type in [x, w] { try expectEightBits(name, type) }
    if let xZero {
      try expectSameType(x, xZero)
      try expectOne(xZero, "zero point")
    }
    guard x.shape.count >= 3, x.shape.count == w.shape.count else {
      throw OperatorError(
        .shapeMismatch, "expected as many axes in both inputs, got \(x.shape) and \(w.shape)")
    }
    if let wZero {
      try expectSameType(w, wZero)
      try expectOne(wZero, "zero point", orEach: w.shape[0])
    }
    guard x.shape[1] % group == 0, x.shape[1] / group == w.shape[1], w.shape[0] % group == 0 else {
      throw OperatorError(
        .shapeMismatch, "channels do not fit \(group) groups, got \(x.shape) and \(w.shape)")
    }
    let window = try attributes.window(
      input: Array(x.shape[2...]), kernel: Array(w.shape[2...])
    ).window
    let shape = try ArrayType(.int32, [x.shape[0], w.shape[0]] + window.output).checked().shape
    return Plan(
      kernel: IntegerConvolution(
        inputChannels: x.shape[1], outputChannels: w.shape[0], groups: group, window: window),
      shape: shape, imageCount: x.shape[1...].reduce(1, *), weightCount: w.count,
      sumCount: shape[1...].reduce(1, *))
  }

  func scratchByteCount(_ plan: Plan) -> Int {
    let floats = [plan.imageCount, plan.weightCount, plan.sumCount]
      .reduce(plan.kernel.scratchCount, saturatingSum)
    return saturatingProduct([floats, MemoryLayout<Float>.stride])
  }

  /// Calls the body with the sums [M, spatial…] of each image in turn.
  func forEachImage(
    _ plan: Plan, _ x: TensorView, _ w: TensorView, xZero: TensorView?, wZero: TensorView?,
    scratch: UnsafeMutableRawBufferPointer, _ body: (Int, UnsafePointer<Int32>) -> Void
  ) throws(OperatorError) {
    guard plan.sumCount > 0, plan.shape[0] > 0, let memory = scratch.baseAddress else { return }
    let image = memory.assumingMemoryBound(to: Float.self)
    let weights = image + plan.imageCount
    let sums = UnsafeMutableRawPointer(weights + plan.weightCount)
      .assumingMemoryBound(to: Int32.self)
    let rest = UnsafeMutableRawPointer(sums + plan.sumCount).assumingMemoryBound(to: Float.self)
    var xZeroPoint = try xZero?.integers32().first ?? 0
    let channels = plan.shape[1]
    var wZeros = try wZero?.integers32() ?? [0]
    if wZeros.count == 1 { wZeros = [Int32](repeating: wZeros[0], count: channels) }
    let xBits = EightBits(isSigned: x.elementType == .int8)
    let wBits = EightBits(isSigned: w.elementType == .int8)
    let perChannel = plan.weightCount / channels
    for channel in 0..<channels {
      let place = channel * perChannel
      wBits.widen(
        w.start() + place, zeros: &wZeros[channel], into: weights + place, count: perChannel)
    }
    let depth = IntegerProduct.exactDepth(
      IntegerOperand.magnitude(of: [xZeroPoint], isSigned: x.elementType == .int8),
      IntegerOperand.magnitude(of: wZeros, isSigned: w.elementType == .int8))
    for index in 0..<plan.shape[0] {
      xBits.widen(
        x.start() + index * plan.imageCount, zeros: &xZeroPoint, into: image,
        count: plan.imageCount)
      plan.kernel.apply(image, weights: weights, exactDepth: depth, into: sums, scratch: rest)
      body(index, sums)
    }
  }
}

/// - Throws: `OperatorError.shapeMismatch` unless there is one element, or one for each of `count`.
func expectOne(_ type: ArrayType, _ noun: String, orEach count: Int) throws(OperatorError) {
  guard [[], [1], [count]].contains(type.shape) else {
    throw OperatorError(
      .shapeMismatch, "\(noun): expected one number or \(count), got \(type.shape)")
  }
}
