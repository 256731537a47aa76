import Glibc
import Tensors

/// The discrete Fourier transform of a fixed length, with its tables in memory of the caller.
///
/// X[k] = Σ x[n] exp(-2πi k n / N). A power of two is transformed by halves; any other length as a
/// convolution with a chirp, of a power of two at least twice as long.
/// Precision: error of about 2^-53 log2(N) times the largest magnitude of the spectrum.
/// Source: Cooley, Tukey 1965; Bluestein 1970.
/// Complexity: O(N log N).
struct FourierTransform {
  /// What lengths there may be.
  static let lengths = 1...(1 << 28)

  let length: Int
  /// The power of two that is transformed by halves.
  private let radixLength: Int
  /// exp(-2πi k / radixLength) for the first half of k.
  private let roots: UnsafeMutablePointer<Double>
  /// exp(-πi n² / N), and the spectrum of its conjugate.
  private let chirp, filter: UnsafeMutablePointer<Double>
  private let convolved: UnsafeMutablePointer<Double>

  /// Numbers of memory that a transform of at most `length` needs.
  static func memoryCount(_ length: Int) -> Int {
    let length = min(max(length, 1), lengths.upperBound)
    return 5 * powerOfTwo(atLeast: 2 * length) + 2 * length
  }

  private static func powerOfTwo(atLeast count: Int) -> Int {
    var power = 1
    while power < count { power *= 2 }
    return power
  }

  /// Computes the tables of a transform of `length`, which is one of `lengths`, into `memory`.
  init(length: Int, memory: UnsafeMutablePointer<Double>) {
    precondition(Self.lengths.contains(length), "expected a length of at most 2^28, got \(length)")
    self.length = length
    let isPower = length & (length - 1) == 0
    radixLength = isPower ? length : Self.powerOfTwo(atLeast: 2 * length - 1)
    roots = memory
    filter = roots + radixLength
    convolved = filter + 2 * radixLength
    chirp = convolved + 2 * radixLength
    for k in 0..<(radixLength / 2) {
      let angle = -2 * Double.pi * Double(k) / Double(radixLength)
      (roots[2 * k], roots[2 * k + 1]) = (cos(angle), sin(angle))
    }
    guard !isPower else { return }
    filter.update(repeating: 0, count: 2 * radixLength)
    for n in 0..<length {
      let angle = -Double.pi * Double(n * n % (2 * length)) / Double(length)
      let (real, imaginary) = (cos(angle), sin(angle))
      (chirp[2 * n], chirp[2 * n + 1]) = (real, imaginary)
      for place in [n, n == 0 ? 0 : radixLength - n] {
        (filter[2 * place], filter[2 * place + 1]) = (real, -imaginary)
      }
    }
    transformByHalves(filter)
  }

  /// Transforms `x`, pairs of real and imaginary parts, in place. The inverse is not divided by N.
  func apply(_ x: UnsafeMutablePointer<Double>, inverse: Bool) {
    // The inverse is the conjugate of the transform of the conjugate.
    if inverse { conjugate(x) }
    if radixLength == length { transformByHalves(x) } else { transformByChirp(x) }
    if inverse { conjugate(x) }
  }

  private func conjugate(_ x: UnsafeMutablePointer<Double>) {
    for n in 0..<length { x[2 * n + 1] = -x[2 * n + 1] }
  }

  private func transformByChirp(_ x: UnsafeMutablePointer<Double>) {
    let y = convolved
    multiply(x, chirp, into: y, count: length)
    (y + 2 * length).update(repeating: 0, count: 2 * (radixLength - length))
    transformByHalves(y)
    multiply(y, filter, into: y, count: radixLength)
    // Back by the conjugate's transform, whose conjugate the product with the chirp takes.
    for n in 0..<radixLength { y[2 * n + 1] = -y[2 * n + 1] }
    transformByHalves(y)
    let scale = 1 / Double(radixLength)
    for n in 0..<length {
      y[2 * n] *= scale
      y[2 * n + 1] *= -scale
    }
    multiply(y, chirp, into: x, count: length)
  }

  /// z = x y; z may be x.
  private func multiply(
    _ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>,
    into z: UnsafeMutablePointer<Double>, count: Int
  ) {
    for n in 0..<count {
      let (a, b, c, d) = (x[2 * n], x[2 * n + 1], y[2 * n], y[2 * n + 1])
      z[2 * n] = a * c - b * d
      z[2 * n + 1] = a * d + b * c
    }
  }

  /// The transform of `radixLength` numbers: in the order of reversed bits, then butterflies.
  private func transformByHalves(_ x: UnsafeMutablePointer<Double>) {
    let count = radixLength
    var reversed = 0
    for n in 0..<count {
      if n < reversed {
        (x[2 * n], x[2 * reversed]) = (x[2 * reversed], x[2 * n])
        (x[2 * n + 1], x[2 * reversed + 1]) = (x[2 * reversed + 1], x[2 * n + 1])
      }
      var bit = count / 2
      while bit > 0, reversed & bit != 0 {
        reversed ^= bit
        bit /= 2
      }
      reversed |= bit
    }
    var half = 1
    while half < count {
      let step = count / (2 * half)
      var start = 0
      while start < count {
        for k in 0..<half {
          let (real, imaginary) = (roots[2 * k * step], roots[2 * k * step + 1])
          let (low, high) = (x + 2 * (start + k), x + 2 * (start + k + half))
          let a = high[0] * real - high[1] * imaginary
          let b = high[0] * imaginary + high[1] * real
          (high[0], high[1]) = (low[0] - a, low[1] - b)
          (low[0], low[1]) = (low[0] + a, low[1] + b)
        }
        start += 2 * half
      }
      half *= 2
    }
  }
}
