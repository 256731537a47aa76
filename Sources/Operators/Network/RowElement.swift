import Glibc
import Kernels
import Tensors

/// A floating-point type in which networks normalise rows: `Float` by the kernels, `Double` by plain
/// loops. Rows are contiguous; x and y may be the same.
package protocol RowElement: MatrixElement, BinaryFloatingPoint {
  /// y = softmax(scale x); a row of -inf becomes NaN.
  static func softmax(
    _ x: UnsafePointer<Self>, into y: UnsafeMutablePointer<Self>, rows: Int, count: Int, scale: Self
  )

  /// y = x − log Σ exp(x).
  static func logSoftmax(
    _ x: UnsafePointer<Self>, into y: UnsafeMutablePointer<Self>, rows: Int, count: Int)

  /// y = (x − mean) / √(variance + epsilon) gamma + beta.
  static func layerNormalization(
    _ x: UnsafePointer<Self>, gamma: UnsafePointer<Self>?, beta: UnsafePointer<Self>?,
    epsilon: Float, into y: UnsafeMutablePointer<Self>, rows: Int, count: Int,
    means: UnsafeMutablePointer<Float>?, inverseDeviations: UnsafeMutablePointer<Float>?)

  /// y = x / √(mean(x²) + epsilon) gamma.
  static func rmsNormalization(
    _ x: UnsafePointer<Self>, gamma: UnsafePointer<Self>?, epsilon: Float,
    into y: UnsafeMutablePointer<Self>, rows: Int, count: Int)

  /// y[n, c, :] = scale[c] x[n, c, :] + shift[c].
  static func scaleAndShiftChannels(
    _ x: UnsafePointer<Self>, scale: UnsafePointer<Self>, shift: UnsafePointer<Self>,
    into y: UnsafeMutablePointer<Self>, batch: Int, channels: Int, inner: Int)

  static func hyperbolicTangent(_ x: Self) -> Self
}

extension Float: RowElement {
  package static func softmax(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int,
    scale: Float
  ) { Softmax.softmax(x, into: y, rows: rows, count: count, scale: scale) }

  package static func logSoftmax(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int
  ) { Softmax.logSoftmax(x, into: y, rows: rows, count: count) }

  package static func layerNormalization(
    _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>?, beta: UnsafePointer<Float>?,
    epsilon: Float, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int,
    means: UnsafeMutablePointer<Float>?, inverseDeviations: UnsafeMutablePointer<Float>?
  ) {
    Normalization.layerNormalization(
      x, gamma: gamma, beta: beta, epsilon: epsilon, into: y, rows: rows, count: count,
      means: means, inverseDeviations: inverseDeviations)
  }

  package static func rmsNormalization(
    _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>?, epsilon: Float,
    into y: UnsafeMutablePointer<Float>, rows: Int, count: Int
  ) {
    Normalization.rmsNormalization(
      x, gamma: gamma, epsilon: epsilon, into: y, rows: rows, count: count)
  }

  package static func scaleAndShiftChannels(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, batch: Int, channels: Int, inner: Int
  ) {
    Normalization.scaleAndShiftChannels(
      x, scale: scale, shift: shift, into: y, batch: batch, channels: channels, inner: inner)
  }

  package static func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
}

extension Double: RowElement {
  package static func softmax(
    _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>, rows: Int, count: Int,
    scale: Double
  ) {
    for start in stride(from: 0, to: rows * count, by: max(count, 1)) {
      let largest = (0..<count).reduce(-Double.infinity) { max($0, scale * x[start + $1]) }
      var sum = 0.0
      for i in start..<start + count {
        y[i] = exp(scale * x[i] - largest)
        sum += y[i]
      }
      for i in start..<start + count { y[i] /= sum }
    }
  }

  package static func logSoftmax(
    _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>, rows: Int, count: Int
  ) {
    for start in stride(from: 0, to: rows * count, by: max(count, 1)) {
      let largest = (0..<count).reduce(-Double.infinity) { max($0, x[start + $1]) }
      let sum = (0..<count).reduce(0) { $0 + exp(x[start + $1] - largest) }
      for i in start..<start + count { y[i] = x[i] - largest - log(sum) }
    }
  }

  package static func layerNormalization(
    _ x: UnsafePointer<Double>, gamma: UnsafePointer<Double>?, beta: UnsafePointer<Double>?,
    epsilon: Float, into y: UnsafeMutablePointer<Double>, rows: Int, count: Int,
    means: UnsafeMutablePointer<Float>?, inverseDeviations: UnsafeMutablePointer<Float>?
  ) {
    for row in 0..<rows {
      let (x, y) = (x + row * count, y + row * count)
      var (sum, squares) = (0.0, 0.0)
      for i in 0..<count { sum += x[i] }
      let mean = sum / Double(count)
      for i in 0..<count { squares += (x[i] - mean) * (x[i] - mean) }
      let inverse = 1 / (squares / Double(count) + Double(epsilon)).squareRoot()
      for i in 0..<count {
        y[i] = (x[i] - mean) * inverse * (gamma?[i] ?? 1) + (beta?[i] ?? 0)
      }
      means?[row] = Float(mean)
      inverseDeviations?[row] = Float(inverse)
    }
  }

  package static func rmsNormalization(
    _ x: UnsafePointer<Double>, gamma: UnsafePointer<Double>?, epsilon: Float,
    into y: UnsafeMutablePointer<Double>, rows: Int, count: Int
  ) {
    for row in 0..<rows {
      let (x, y) = (x + row * count, y + row * count)
      var squares = 0.0
      for i in 0..<count { squares += x[i] * x[i] }
      let inverse = 1 / (squares / Double(count) + Double(epsilon)).squareRoot()
      for i in 0..<count { y[i] = x[i] * inverse * (gamma?[i] ?? 1) }
    }
  }

  package static func scaleAndShiftChannels(
    _ x: UnsafePointer<Double>, scale: UnsafePointer<Double>, shift: UnsafePointer<Double>,
    into y: UnsafeMutablePointer<Double>, batch: Int, channels: Int, inner: Int
  ) {
    for row in 0..<batch * channels {
      let (factor, summand) = (scale[row % channels], shift[row % channels])
      for i in row * inner..<(row + 1) * inner { y[i] = factor * x[i] + summand }
    }
  }

  package static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
}

extension ElementType {
  /// The type that rows of this one are normalised in. Those of 16 floating bits are computed in `Float`.
  var row: any RowElement.Type { self == .double ? Double.self : Float.self }

  /// Bytes of an element of `row`.
  var rowByteCount: Int { self == .double ? 8 : 4 }
}
