import GraphIR
import Kernels
import Tensors

/// The attributes that convolutions and pooling share, for any number of spatial axes.
struct SpatialAttributes: Sendable {
  enum AutoPad: String, Sendable {
    case explicit = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  let kernel: [Int]?
  private let strides: [Int]?
  private let dilations: [Int]?
  private let pads: [Int]?
  let autoPad: AutoPad
  let roundsUp: Bool

  init(_ node: Node) throws(OperatorError) {
    kernel = try node.integers("kernel_shape")
    strides = try node.integers("strides")
    dilations = try node.integers("dilations")
    pads = try node.integers("pads")
    roundsUp = try node.flag("ceil_mode", default: false)
    let mode = try node.text("auto_pad", default: "NOTSET")
    guard let autoPad = AutoPad(rawValue: mode.isEmpty ? "NOTSET" : mode) else {
      throw OperatorError(.invalidAttribute, "attribute 'auto_pad' is unknown, got '\(mode)'")
    }
    self.autoPad = autoPad
    for list in [kernel, strides, dilations] {
      guard list?.allSatisfy({ (1...Int(Int32.max)).contains($0) }) ?? true else {
        throw OperatorError(
          .invalidAttribute, "kernel_shape, strides and dilations must be positive, got \(list!)")
      }
    }
    guard pads?.allSatisfy({ (0...Int(Int32.max)).contains($0) }) ?? true else {
      throw OperatorError(.unsupported, "negative pads are not supported, got \(pads!)")
    }
  }

  /// Lists with one entry per spatial axis, defaults filled in.
  func lists(
    axes: Int
  ) throws(OperatorError) -> (strides: [Int], dilations: [Int], pads: [Int]) {
    let ones = [Int](repeating: 1, count: axes)
    let result = (
      strides ?? ones, dilations ?? ones, pads ?? ones.map { _ in 0 } + ones.map { _ in 0 }
    )
    guard result.0.count == axes, result.1.count == axes, result.2.count == 2 * axes else {
      throw OperatorError(
        .invalidAttribute, "expected strides, dilations and pads for \(axes) spatial axes")
    }
    return result
  }

  /// - Throws: `OperatorError` where extents are such that sums and products of two with the attributes
  ///   might overflow, or the kernel is empty.
  func checkExtents(_ input: [Int], kernel: [Int]) throws(OperatorError) {
    guard kernel.count == input.count else {
      throw OperatorError(
        .shapeMismatch, "expected a kernel of \(input.count) spatial axes, got \(kernel)")
    }
    guard self.kernel ?? kernel == kernel else {
      throw OperatorError(
        .shapeMismatch, "expected a kernel of shape \(self.kernel!), got \(kernel)")
    }
    guard kernel.allSatisfy({ (1...Int(Int32.max)).contains($0) }) else {
      throw OperatorError(.shapeMismatch, "expected a kernel with elements, got \(kernel)")
    }
    try Self.expectIndexable(input)
    try Self.expectIndexable(kernel)
  }

  /// - Throws: `OperatorError.invalidShape` where a plane has elements that 32 bits cannot count, which
  ///   bounds all that a walk over it computes, and what BLAS is given.
  static func expectIndexable(_ spatial: [Int]) throws(OperatorError) {
    guard saturatingProduct(spatial.map { max($0, 1) }) <= Int(Int32.max) else {
      throw OperatorError(.invalidShape, "spatial axes of \(spatial) are too large")
    }
  }

  /// The window a convolution or pooling slides over an input of these spatial extents, and the padding
  /// behind each axis.
  func window(
    input: [Int], kernel: [Int]
  ) throws(OperatorError) -> (window: Window, padsEnd: [Int]) {
    try checkExtents(input, kernel: kernel)
    let (strides, dilations, pads) = try lists(axes: input.count)
    var (begin, end, output) = ([Int](), [Int](), [Int]())
    for axis in input.indices {
      let (reach, overflow) = (kernel[axis] - 1).multipliedReportingOverflow(by: dilations[axis])
      guard !overflow, reach < Int(Int32.max) else {
        throw OperatorError(.invalidShape, "the kernel's reach overflows")
      }
      let extent = reach + 1
      switch autoPad {
      case .explicit, .valid:
        let explicit = autoPad == .explicit
        begin.append(explicit ? pads[axis] : 0)
        end.append(explicit ? pads[axis + input.count] : 0)
        output.append(
          try steps(
            input[axis] + begin[axis] + end[axis] - extent, strides[axis],
            limit: input[axis] + begin[axis]))
      case .sameUpper, .sameLower:
        let count = (input[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (count - 1) * strides[axis] + extent - input[axis])
        let first = autoPad == .sameUpper ? total / 2 : total - total / 2
        begin.append(first)
        end.append(total - first)
        output.append(count)
      }
    }
    try Self.expectIndexable(output)
    let window = Window(
      input: input, kernel: kernel, output: output, strides: strides, dilations: dilations,
      padsBegin: begin)
    return (window, end)
  }

  /// How many windows fit; rounding up drops one that would start in the padding behind the input.
  private func steps(_ room: Int, _ stride: Int, limit: Int) throws(OperatorError) -> Int {
    guard room >= 0 else {
      throw OperatorError(.shapeMismatch, "the kernel is larger than the padded input")
    }
    var count = (roundsUp ? room + stride - 1 : room) / stride + 1
    if roundsUp, (count - 1) * stride >= limit { count -= 1 }
    return count
  }
}
