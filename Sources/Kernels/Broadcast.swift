/// Elementwise maps of any element type over broadcast operands.
///
/// Shapes: outputs are contiguous with the given shape; operands are read through strides as in
/// `StridedLoop`. An output must not overlap an operand unless that operand is contiguous, of the same
/// element size, and starts where the output does.
package enum Broadcast {
  /// y = f(x)
  @inline(__always)
  package static func map<X, Y>(
    _ x: UnsafePointer<X>, strides: [Int], into y: UnsafeMutablePointer<Y>, shape: [Int],
    _ f: (X) -> Y
  ) {
    StridedLoop(shape: shape, strides: [strides]).forEachRun { places, output, count in
      let (x, y, step) = (x + places[0].start, y + output, places[0].step)
      for i in 0..<count { y[i] = f(x[i &* step]) }
    }
  }

  /// z = f(x, y)
  @inline(__always)
  package static func map<X, Y, Z>(
    _ x: UnsafePointer<X>, strides xStrides: [Int], _ y: UnsafePointer<Y>, strides yStrides: [Int],
    into z: UnsafeMutablePointer<Z>, shape: [Int], _ f: (X, Y) -> Z
  ) {
    StridedLoop(shape: shape, strides: [xStrides, yStrides]).forEachRun { places, output, count in
      let (x, xStep) = (x + places[0].start, places[0].step)
      let (y, yStep) = (y + places[1].start, places[1].step)
      let z = z + output
      for i in 0..<count { z[i] = f(x[i &* xStep], y[i &* yStep]) }
    }
  }

  /// w = f(x, y, z), as Where and Clip need
  @inline(__always)
  package static func map<X, Y, Z, W>(
    _ x: UnsafePointer<X>, strides xStrides: [Int], _ y: UnsafePointer<Y>, strides yStrides: [Int],
    _ z: UnsafePointer<Z>, strides zStrides: [Int], into w: UnsafeMutablePointer<W>, shape: [Int],
    _ f: (X, Y, Z) -> W
  ) {
    StridedLoop(shape: shape, strides: [xStrides, yStrides, zStrides]).forEachRun {
      places, output, count in
      let (x, xStep) = (x + places[0].start, places[0].step)
      let (y, yStep) = (y + places[1].start, places[1].step)
      let (z, zStep) = (z + places[2].start, places[2].step)
      let w = w + output
      for i in 0..<count { w[i] = f(x[i &* xStep], y[i &* yStep], z[i &* zStep]) }
    }
  }
}
