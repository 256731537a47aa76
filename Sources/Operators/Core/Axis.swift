/// The axis that `axis` means in a tensor of `rank` axes, negative ones counting from the end.
///
/// - Throws: `OperatorError.invalidAttribute` where there is none.
package func normalizedAxis(_ axis: Int, rank: Int) throws(OperatorError) -> Int {
  guard axis >= -rank, axis < rank else {
    throw OperatorError(.invalidAttribute, "axis \(axis) is out of range for rank \(rank)")
  }
  return axis < 0 ? axis + rank : axis
}

/// The axes that `axes` mean in a tensor of `rank` axes, in the given order.
///
/// - Throws: `OperatorError.invalidAttribute` where one is out of range or given twice.
package func normalizedAxes(_ axes: [Int], rank: Int) throws(OperatorError) -> [Int] {
  var result: [Int] = []
  var seen = Set<Int>()
  for axis in axes {
    let axis = try normalizedAxis(axis, rank: rank)
    guard seen.insert(axis).inserted else {
      throw OperatorError(.invalidAttribute, "axis \(axis) is given twice, got \(axes)")
    }
    result.append(axis)
  }
  return result
}
