/// The product of `factors`, none of them negative, or the largest `Int` where that overflows.
package func saturatingProduct(_ factors: some Sequence<Int>) -> Int {
  factors.reduce(1) { product, factor in
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    return overflow ? .max : next
  }
}

/// The sum of two numbers, neither of them negative, or the largest `Int` where that overflows.
package func saturatingSum(_ a: Int, _ b: Int) -> Int {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? .max : sum
}
