import Kernels
import Tensors

/// Where the matrices of an operand of attention lie: one for each sample and head, its rows of packed
/// elements.
struct HeadLayout {
  var sample, head, row: Int
  /// The first matrix's distance from the operand's start.
  var start = 0

  /// As [samples, heads, rows, width] lies packed.
  static func headsFirst(heads: Int, rows: Int, width: Int) -> HeadLayout {
    HeadLayout(sample: width * rows * heads, head: width * rows, row: width)
  }

  /// As [samples, rows, heads · width] lies packed.
  static func rowsFirst(heads: Int, rows: Int, width: Int) -> HeadLayout {
    HeadLayout(sample: width * heads * rows, head: width, row: width * heads)
  }

  func offset(_ sample: Int, _ head: Int) -> Int {
    start + sample * self.sample + head * self.head
  }
}

/// The matrices of an operand, to read.
struct HeadMatrices<Element> {
  var base: UnsafePointer<Element>
  var layout: HeadLayout

  /// Copies `count` rows of `width` elements of each matrix into another operand, from its row `first`
  /// on.
  func copy(
    samples: Int, heads: Int, count: Int, width: Int, into target: UnsafeMutablePointer<Element>,
    _ place: HeadLayout, first: Int = 0
  ) {
    for sample in 0..<samples {
      for head in 0..<heads {
        let x = base + layout.offset(sample, head)
        let y = target + place.offset(sample, head) + first * place.row
        if layout.row == width, place.row == width {
          y.update(from: x, count: count * width)
        } else {
          for row in 0..<count {
            (y + row * place.row).update(from: x + row * layout.row, count: width)
          }
        }
      }
    }
  }
}

extension HeadMatrices {
  /// These `count` rows of each matrix behind those of `past`, packed with heads first into `target`.
  func appended(
    to past: UnsafePointer<Element>?, _ pastCount: Int, samples: Int, heads: Int, count: Int,
    width: Int, in target: UnsafeMutablePointer<Element>
  ) -> HeadMatrices {
    let place = HeadLayout.headsFirst(heads: heads, rows: pastCount + count, width: width)
    if let past {
      let layout = HeadLayout.headsFirst(heads: heads, rows: pastCount, width: width)
      HeadMatrices(base: past, layout: layout).copy(
        samples: samples, heads: heads, count: pastCount, width: width, into: target, place)
    }
    copy(
      samples: samples, heads: heads, count: count, width: width, into: target, place,
      first: pastCount)
    return HeadMatrices(base: UnsafePointer(target), layout: place)
  }
}

/// Y = weigh(alpha Q Kᵀ) V, head by head: attention whose scores stay in the cache.
///
/// Shapes: Q [samples, heads, t, d], K [samples, keyHeads, s, d], V [samples, keyHeads, s, e],
/// Y [samples, heads, t, e]; as many neighbouring heads of Q share one of K and V as there are more.
struct HeadAttention<Element: RowElement> {
  let samples, heads, keyHeads: Int
  let t, s, d, e: Int
  let alpha: Element

  /// - Parameters:
  ///   - scores: room for `AttentionBlock.scoreCount(t, s)` elements.
  ///   - weigh: turns the scores of some rows of one head into weights, in place.
  func evaluate(
    _ q: HeadMatrices<Element>, _ k: HeadMatrices<Element>, _ v: HeadMatrices<Element>,
    into y: UnsafeMutablePointer<Element>, _ layout: HeadLayout,
    scores: UnsafeMutablePointer<Element>,
    weigh: (
      _ scores: UnsafeMutablePointer<Element>, _ sample: Int, _ head: Int, _ rows: Range<Int>
    ) -> Void
  ) {
    guard keyHeads > 0, t > 0 else { return }
    let group = heads / keyHeads
    for sample in 0..<samples {
      for head in 0..<heads {
        AttentionBlock.evaluate(
          t: t, s: s, d: d, e: e, alpha: alpha,
          q: MatrixView(
            q.base + q.layout.offset(sample, head), leadingDimension: max(q.layout.row, 1)),
          k: MatrixView(
            k.base + k.layout.offset(sample, head / group), leadingDimension: max(k.layout.row, 1),
            isTransposed: true),
          v: MatrixView(
            v.base + v.layout.offset(sample, head / group), leadingDimension: max(v.layout.row, 1)),
          into: y + layout.offset(sample, head), ldy: max(layout.row, 1), scores: scores
        ) { weigh($0, sample, head, $1) }
      }
    }
  }
}

/// Attention of one head, in blocks of rows whose scores stay in the cache.
enum AttentionBlock {
  /// Scores that are computed at a time: half a megabyte of them in `Float`.
  private static let blockCount = 1 << 17

  private static func rows(_ t: Int, _ s: Int) -> Int { min(t, max(16, blockCount / max(1, s))) }

  /// The scores that there must be room for; the largest `Int` where that overflows.
  static func scoreCount(_ t: Int, _ s: Int) -> Int { saturatingProduct([rows(t, s), s]) }

  /// Y = weigh(alpha Q K) V.
  ///
  /// Shapes: Q [t, d], K [d, s], V [s, e], Y [t, e] with rows `ldy` apart.
  static func evaluate<Element: MatrixElement>(
    t: Int, s: Int, d: Int, e: Int, alpha: Element, q: MatrixView<Element>,
    k: MatrixView<Element>, v: MatrixView<Element>, into y: UnsafeMutablePointer<Element>,
    ldy: Int, scores: UnsafeMutablePointer<Element>,
    weigh: (_ scores: UnsafeMutablePointer<Element>, _ rows: Range<Int>) -> Void
  ) {
    let block = rows(t, s)
    for first in stride(from: 0, to: t, by: max(block, 1)) {
      let rows = min(block, t - first)
      Element.gemm(
        m: rows, n: s, k: d, alpha: alpha,
        a: q.advanced(by: first * (q.isTransposed ? 1 : q.leadingDimension)), b: k, beta: 0,
        c: scores, ldc: max(s, 1))
      weigh(scores, first..<first + rows)
      Element.gemm(
        m: rows, n: e, k: s, alpha: 1, a: MatrixView(scores, leadingDimension: max(s, 1)), b: v,
        beta: 0, c: y + first * ldy, ldc: ldy)
    }
  }
}
