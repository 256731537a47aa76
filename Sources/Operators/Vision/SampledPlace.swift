/// The elements around a place in an array, and what they weigh there.
///
/// A place is built up axis by axis; one that is reused allocates nothing.
struct SampledPlace {
  /// Places are of so many axes at most: cubic samples of more would weigh too many elements.
  static let mostAxes = 6

  private(set) var offsets: [Int] = [0]
  private(set) var weights: [Double] = [1]
  private var axisOffsets: [Int] = []
  private var axisWeights: [Double] = []
  private var nextOffsets: [Int] = []
  private var nextWeights: [Double] = []

  /// The place that weighs the array's first element alone.
  mutating func reset() {
    offsets.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    offsets.append(0)
    weights.append(1)
  }

  /// Adds an element, `offset` away from the first along the axis at hand.
  mutating func weigh(_ offset: Int, by weight: Double) {
    axisOffsets.append(offset)
    axisWeights.append(weight)
  }

  /// Moves the place along an axis to where the elements that were added lie; none means nowhere.
  mutating func moveAlongAxis() {
    nextOffsets.removeAll(keepingCapacity: true)
    nextWeights.removeAll(keepingCapacity: true)
    for index in offsets.indices {
      for axisIndex in axisOffsets.indices {
        nextOffsets.append(offsets[index] + axisOffsets[axisIndex])
        nextWeights.append(weights[index] * axisWeights[axisIndex])
      }
    }
    swap(&offsets, &nextOffsets)
    swap(&weights, &nextWeights)
    axisOffsets.removeAll(keepingCapacity: true)
    axisWeights.removeAll(keepingCapacity: true)
  }

  /// Σ weight x.
  @inline(__always)
  func sum<Element: NumericElement>(_ x: UnsafePointer<Element>) -> Double {
    var sum = 0.0
    for index in offsets.indices { sum += weights[index] * x[offsets[index]].double }
    return sum
  }
}
