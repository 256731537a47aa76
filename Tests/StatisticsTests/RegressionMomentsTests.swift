import Testing

@testable import Statistics

@Suite struct RegressionMomentsTests {
  private static func moments(
    _ u: Rows, _ e: Rows, pieces: Int = 1, threads: Int = 1
  ) throws -> RegressionMoments {
    var result = RegressionMoments(inputWidth: u.width, targetWidth: e.width)
    let step = (u.count + pieces - 1) / pieces
    for start in stride(from: 0, to: u.count, by: step) {
      let end = min(start + step, u.count)
      try u.values[start * u.width..<end * u.width].withUnsafeBufferPointer { inputs in
        try e.values[start * e.width..<end * e.width].withUnsafeBufferPointer { targets in
          try result.add(inputs, targets, threads: threads)
        }
      }
    }
    return result
  }

  /// Means far from zero, more columns than a tile has and more rows than a chunk.
  @Test(arguments: [(7, 3, 40, 1), (300, 2, 1500, 1), (300, 2, 1500, 3)])
  func momentsAreThoseOfAllRows(k: Int, m: Int, rows: Int, pieces: Int) throws {
    let u = Rows(rows, width: k, mean: 30, seed: 1)
    let e = Rows(rows, width: m, mean: -20, seed: 2)
    let got = try Self.moments(u, e, pieces: pieces)
    func mean(_ x: Rows) -> [Double] {
      (0..<x.width).map { column in
        (0..<rows).reduce(0.0) { $0 + Double(x.values[$1 * x.width + column]) } / Double(rows)
      }
    }
    let (meanU, meanE) = (mean(u), mean(e))
    func sum(_ x: Rows, _ i: Int, _ a: Double, _ y: Rows, _ j: Int, _ b: Double) -> Double {
      (0..<rows).reduce(0.0) {
        $0 + (Double(x.values[$1 * x.width + i]) - a) * (Double(y.values[$1 * y.width + j]) - b)
      }
    }
    // Sums of `rows` products, of about one each, in float.
    let bound = Double(rows) * Double(Float.ulpOfOne) * Double(rows).squareRoot()
    #expect(got.weight == Double(rows))
    for i in stride(from: 0, to: k, by: max(k / 7, 1)) {
      for j in stride(from: 0, through: i, by: max(k / 5, 1)) {
        #expect(abs(got.gram[i * k + j] - sum(u, i, meanU[i], u, j, meanU[j])) <= bound)
      }
      for j in 0..<m {
        #expect(abs(got.cross[j * k + i] - sum(e, j, meanE[j], u, i, meanU[i])) <= bound)
      }
    }
    for j in 0..<m { #expect(abs(got.squares[j] - sum(e, j, meanE[j], e, j, meanE[j])) <= bound) }
  }

  /// A row of weight 3 is there three times.
  @Test func weightsAreNumbersOfRows() throws {
    let (u, e) = (Rows(40, width: 5, mean: 2, seed: 1), Rows(40, width: 2, mean: -1, seed: 2))
    let weights = (0..<40).map { Float(1 + $0 % 3) }
    func repeated(_ x: Rows) -> [Float] {
      (0..<40).flatMap { row in
        (0..<Int(weights[row])).flatMap { _ in x.values[row * x.width..<(row + 1) * x.width] }
      }
    }
    var (weighed, plain) = (
      RegressionMoments(inputWidth: 5, targetWidth: 2),
      RegressionMoments(inputWidth: 5, targetWidth: 2)
    )
    try u.values.withUnsafeBufferPointer { inputs in
      try e.values.withUnsafeBufferPointer { try weighed.add(inputs, $0, weights: weights) }
    }
    try repeated(u).withUnsafeBufferPointer { inputs in
      try repeated(e).withUnsafeBufferPointer { try plain.add(inputs, $0) }
    }
    #expect(weighed.weight == plain.weight)
    func isNear(_ a: [Double], _ b: [Double]) -> Bool {
      zip(a, b).allSatisfy { abs($0 - $1) <= 1e-4 * max(abs($1), 1) }
    }
    for row in 0..<5 {
      #expect(isNear(Array(weighed.gram[row * 5...row * 6]), Array(plain.gram[row * 5...row * 6])))
    }
    #expect(isNear(weighed.cross, plain.cross))
    #expect(isNear(weighed.squares, plain.squares))
    #expect(isNear(weighed.meanInput, plain.meanInput))
    #expect(isNear(weighed.meanTarget, plain.meanTarget))
  }

  @Test func theNumberOfThreadsChangesNoBit() throws {
    let u = Rows(1500, width: 300, mean: 3, seed: 1)
    let e = Rows(1500, width: 5, seed: 2)
    let (a, b) = (try Self.moments(u, e), try Self.moments(u, e, threads: 4))
    #expect(a.gram == b.gram)
    #expect(a.cross == b.cross)
  }

  @Test func rowsThatAreNotFiniteAreRefused() throws {
    var e = Rows(8, width: 2, seed: 2)
    e.values[3] = .nan
    let error = #expect(throws: NonFiniteValues.self) {
      try Self.moments(Rows(8, width: 3, seed: 1), e)
    }
    #expect(error?.point == 1)
  }

  @Test(arguments: [true, false]) func aKnownChangeIsRecovered(hasBias: Bool) throws {
    let (k, width) = (6, 4)
    let (u, v) = (Rows(2000, width: k, mean: 2, seed: 5), Rows(500, width: k, mean: 2, seed: 6))
    let d = Rows(k, width: width, seed: 7).values
    let shift =
      hasBias ? Rows(1, width: width, mean: 3, seed: 8).values : Array(repeating: 0, count: 4)
    func targets(_ rows: Rows) -> Rows {
      var result = Rows(rows.count, width: width, seed: 1)
      for row in 0..<rows.count {
        for j in 0..<width {
          result.values[row * width + j] = (0..<k).reduce(shift[j]) {
            $0 + rows.values[row * k + $1] * d[$1 * width + j]
          }
        }
      }
      return result
    }
    var fit = try Self.moments(u, targets(u))
    var held = try Self.moments(v, targets(v))
    if !hasBias {
      fit.uncentre()
      held.uncentre()
    }
    let solution = try #require(RidgeSolution.solve(fit, held: held)[0])
    // Nothing stands against the exact solution.
    #expect(solution.ridge == 0)
    #expect(solution.heldAfter < 1e-6 * solution.heldBefore)
    for j in 0..<width {
      for i in 0..<k {
        #expect(abs(solution.change[j * k + i] - Double(d[i * width + j])) < 1e-3)
      }
      #expect(abs(solution.shift[j] - Double(shift[j])) < 1e-3)
    }
  }

  /// The residual said of held-out rows is that of the rows themselves.
  @Test func heldResidualsAreThoseOfTheRows() throws {
    let (k, width) = (5, 3)
    let (u, e) = (Rows(40, width: k, mean: 1, seed: 1), Rows(40, width: 2 * width, seed: 2))
    let v = Rows(30, width: k, mean: 1, seed: 3)
    var f = Rows(30, width: 2 * width, seed: 4)
    // The second block depends on u, the first is noise.
    func couple(_ rows: Rows, _ targets: inout Rows) {
      for row in 0..<rows.count {
        for j in width..<2 * width {
          targets.values[row * 2 * width + j] = 2 * rows.values[row * k]
        }
      }
    }
    var coupled = e
    couple(u, &coupled)
    couple(v, &f)
    let solutions = RidgeSolution.solve(
      try Self.moments(u, coupled), held: try Self.moments(v, f), blocks: 2)
    let solution = try #require(solutions[1])
    var residual = 0.0
    for row in 0..<v.count {
      for j in 0..<width {
        let moved = (0..<k).reduce(solution.shift[j]) {
          $0 + Double(v.values[row * k + $1]) * solution.change[j * k + $1]
        }
        let error = Double(f.values[row * 2 * width + width + j]) - moved
        residual += error * error
      }
    }
    #expect(abs(solution.heldAfter - residual) < 1e-4 * solution.heldBefore)
    if let noise = solutions[0] { #expect(noise.heldAfter < noise.heldBefore) }
  }

  /// The first block has its best at a strong ridge, which does nothing for the second: that needs a
  /// direction of u in which u hardly varies.
  @Test func blocksDoNotSeeOneAnother() throws {
    let (fitted, held) = (Rows(200, width: 2, seed: 1), Rows(200, width: 2, seed: 2))
    func parts(_ rows: Rows, sign: Float) -> (u: Rows, both: Rows, first: Rows, second: Rows) {
      var (u, both) = (rows, Rows(rows.count, width: 2, seed: 3))
      var (first, second) = (
        Rows(rows.count, width: 1, seed: 3), Rows(rows.count, width: 1, seed: 3)
      )
      for row in 0..<rows.count {
        let (a, b) = (rows.values[row * 2], 0.01 * rows.values[row * 2 + 1])
        u.values[row * 2 + 1] = b
        // In the rows held out half as much of a as in those fitted on, and the other way of b.
        first.values[row] = (sign > 0 ? 1 : 0.3) * a
        second.values[row] = 100 * b + (sign > 0 ? 1 : -1) * 0.05 * a
        both.values[row * 2] = first.values[row]
        both.values[row * 2 + 1] = second.values[row]
      }
      return (u, both, first, second)
    }
    let (x, y) = (parts(fitted, sign: 1), parts(held, sign: -1))
    let together = RidgeSolution.solve(
      try Self.moments(x.u, x.both), held: try Self.moments(y.u, y.both), blocks: 2)
    let alone = try [(x.first, y.first), (x.second, y.second)].map {
      RidgeSolution.solve(try Self.moments(x.u, $0), held: try Self.moments(y.u, $1))[0]
    }
    #expect(alone.map { $0?.ridge } == [3, 0])
    for (a, b) in zip(together, alone) {
      let (a, b) = (try #require(a), try #require(b))
      #expect(a.ridge == b.ridge)
      for (p, q) in zip(a.change, b.change) { #expect(abs(p - q) <= 1e-9 * abs(q)) }
    }
  }

  /// Nothing to gain: targets have nothing to do with inputs.
  @Test func whatDoesNotHelpIsNotDone() throws {
    let u = Rows(12, width: 10, seed: 1)
    let e = Rows(12, width: 2, seed: 2)
    var held = Rows(400, width: 2, seed: 4)
    for index in held.values.indices { held.values[index] = 0 }
    let solution = RidgeSolution.solve(
      try Self.moments(u, e), held: try Self.moments(Rows(400, width: 10, seed: 3), held))[0]
    #expect(solution == nil)
  }
}
