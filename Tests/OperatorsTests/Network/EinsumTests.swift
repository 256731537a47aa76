import GraphIR
import Tensors
import Testing

struct EinsumTests {
  /// An equation, the shapes, and the same equation written out: the terms and the result's labels.
  struct Setting: Sendable {
    var equation: String
    var shapes: [[Int]]
    var terms: [String]
    var output: String
  }

  static let settings = [
    Setting(equation: "ij,jk->ik", shapes: [[3, 4], [4, 5]], terms: ["ij", "jk"], output: "ik"),
    Setting(equation: "ij , jk", shapes: [[3, 4], [4, 5]], terms: ["ij", "jk"], output: "ik"),
    Setting(equation: "ba", shapes: [[3, 4]], terms: ["ba"], output: "ab"),
    Setting(equation: "ij->", shapes: [[3, 4]], terms: ["ij"], output: ""),
    Setting(equation: "ii->i", shapes: [[4, 4]], terms: ["ii"], output: "i"),
    Setting(equation: "ii", shapes: [[4, 4]], terms: ["ii"], output: ""),
    Setting(equation: "iij->ji", shapes: [[3, 3, 2]], terms: ["iij"], output: "ji"),
    Setting(equation: "i,i->", shapes: [[5], [5]], terms: ["i", "i"], output: ""),
    Setting(equation: "i,j->ji", shapes: [[5], [3]], terms: ["i", "j"], output: "ji"),
    Setting(
      equation: "bhid,bhjd->bhij", shapes: [[2, 2, 3, 4], [2, 2, 5, 4]], terms: ["bhid", "bhjd"],
      output: "bhij"),
    Setting(
      equation: "bhij,bjhd->bihd", shapes: [[2, 2, 3, 4], [2, 4, 2, 5]], terms: ["bhij", "bjhd"],
      output: "bihd"),
    Setting(
      equation: "...ij,...jk->...ik", shapes: [[2, 1, 3, 4], [3, 4, 2]], terms: ["abij", "bjk"],
      output: "abik"),
    Setting(equation: "...i->...", shapes: [[2, 3]], terms: ["ai"], output: "a"),
    Setting(equation: "i...", shapes: [[2, 3]], terms: ["ia"], output: "ai"),
    Setting(equation: "ij,jk->k", shapes: [[3, 4], [4, 5]], terms: ["ij", "jk"], output: "k"),
    Setting(
      equation: "ij,jkl->ik", shapes: [[3, 4], [4, 5, 2]], terms: ["ij", "jkl"], output: "ik"),
    Setting(
      equation: "ij,jk,kl->li", shapes: [[2, 3], [3, 4], [4, 5]], terms: ["ij", "jk", "kl"],
      output: "li"),
    Setting(
      equation: "bi,bj,bk->bijk", shapes: [[2, 2], [2, 3], [2, 4]], terms: ["bi", "bj", "bk"],
      output: "bijk"),
    Setting(equation: "ij,ij->ij", shapes: [[3, 1], [1, 4]], terms: ["ij", "ij"], output: "ij"),
    Setting(equation: ",i->i", shapes: [[], [3]], terms: ["", "i"], output: "i"),
    Setting(equation: "ij,jk->ik", shapes: [[3, 0], [0, 5]], terms: ["ij", "jk"], output: "ik"),
    Setting(equation: "aB,Bc->ac", shapes: [[2, 3], [3, 2]], terms: ["aB", "Bc"], output: "ac"),
  ]

  /// Σ over the labels that the output lacks, one index assignment after another.
  static func contraction(_ setting: Setting, _ inputs: [NaiveArray]) -> NaiveArray {
    var extents: [Character: Int] = [:]
    for (term, shape) in zip(setting.terms, setting.shapes) {
      for (label, extent) in zip(term, shape) where extents[label] ?? 1 == 1 {
        extents[label] = extent
      }
    }
    let summed = extents.keys.filter { !setting.output.contains($0) }.sorted()
    let inner = NaiveArray.indices(summed.map { extents[$0]! })
    return NaiveArray(setting.output.map { extents[$0]! }) { outer in
      inner.reduce(0) { sum, inner in
        let places = Dictionary(
          uniqueKeysWithValues: Array(zip(setting.output, outer)) + Array(zip(summed, inner)))
        return sum
          + zip(setting.terms, inputs).reduce(1) { $0 * $1.1[$1.0.map { places[$0]! }] }
      }
    }
  }

  @Test(arguments: settings) func agrees(_ setting: Setting) throws {
    let inputs = setting.shapes.enumerated().map { NaiveArray(integers: $1, seed: $0 + 1) }
    let y = Self.contraction(setting, inputs)
    let attributes = [Attribute("equation", setting.equation)]
    try OperatorCase("Einsum", inputs.map(\.float), attributes, gives: [y.float]).check()
    try OperatorCase("Einsum", inputs.map(\.double), attributes, gives: [y.double]).check()
    try OperatorCase("Einsum", inputs.map(\.float16), attributes, gives: [y.float16]).check()
    try OperatorCase(
      "Einsum", inputs.map { $0.integers(Int16.self) }, attributes,
      gives: [y.integers(Int16.self)]
    ).check()
  }

  static func failure(_ equation: String, _ shapes: [[Int]], _ message: String) -> OperatorCase {
    OperatorCase(
      "Einsum", shapes.map { NaiveArray(integers: $0).float }, [Attribute("equation", equation)],
      fails: message)
  }

  static let failures = [
    failure("ij,jk", [[2, 3]], "expected 2 inputs, got 1"),
    failure("i->i->i", [[2]], "expected one '->' at most, got 'i->i->i'"),
    failure("i1->i", [[2, 2]], "expected letters and at most one '...' in a term, got 'i1->i'"),
    failure("i.j->i", [[2, 2]], "expected letters and at most one '...' in a term, got 'i.j->i'"),
    failure(
      "......->", [[2, 2]], "expected letters and at most one '...' in a term, got '......->'"),
    failure(
      "ij->ii", [[2, 2]],
      "expected the result's labels once each and among the inputs', got 'ij->ii'"),
    failure(
      "ij->k", [[2, 2]],
      "expected the result's labels once each and among the inputs', got 'ij->k'"),
    failure("ij->i", [[2, 2, 2]], "term 'ij' does not fit the axes of [2, 2, 2]"),
    failure("ij,jk->ik", [[2, 3], [4, 2]], "extents of a label differ, got 3 and 4"),
    OperatorCase(
      "Einsum", [Tensor([true])], [Attribute("equation", "i")],
      fails: "Einsum of bool is not supported"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
