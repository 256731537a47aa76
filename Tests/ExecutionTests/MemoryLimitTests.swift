import GraphIR
import Operators
import Tensors
import Testing

@testable import Execution

/// Graphs that ask for far more memory than their files hold are refused before anything is taken:
/// a test that allocated what its case asks for could not end.
@Suite struct MemoryLimitTests {
  /// What asks, with its shape stored in the graph or fed.
  struct Bomb: Sendable, CustomTestStringConvertible {
    let name: String
    let inputs: String
    let stored: String
    let body: String
    var feeds: [String: Tensor] = [:]
    var testDescription: String { name }

    var model: Model {
      get throws {
        try Model(
          text: """
            <ir_version: 8, opset_import: ["": 17]>
            bomb (\(inputs)) => (y) <\(stored)> { \(body) }
            """)
      }
    }
  }

  /// Each asks for 2^34 elements or more.
  static let bombs: [Bomb] = {
    let nodes: [(name: String, data: String, node: String, values: [Int64])] = [
      ("ConstantOfShape", "", "y = ConstantOfShape (s)", [1 << 17, 1 << 17]),
      ("Expand", "float[1, 1] d = {1}", "y = Expand (d, s)", [1 << 17, 1 << 17]),
      ("Tile", "float[1, 1] d = {1}", "y = Tile (d, s)", [1 << 17, 1 << 17]),
      ("Pad", "float[1, 1] d = {1}", "y = Pad (d, s)", [0, 0, 1 << 17, 1 << 17]),
      (
        "Reshape of what was expanded", "float[1, 1] d = {1}, int64[1] n = {-1}",
        "e = Expand (d, s) y = Reshape (e, n)", [1 << 17, 1 << 17]
      ),
      (
        "Range", "int64 z = {0}, int64 o = {1}, int64[1] n = {1}",
        "q = ReduceProd <keepdims = 0> (s) y = Range (z, q, o)", [1 << 17, 1 << 17]
      ),
      (
        "OneHot", "float[2] v = {0, 1}, int64[4] d = {0, 1, 2, 3}",
        "q = ReduceProd <keepdims = 0> (s) y = OneHot (d, q, v)", [1 << 17, 1 << 17]
      ),
      (
        "Resize", "float[1, 1] d = {1}, float[0] r = {}, float[0] c = {}",
        "y = Resize <mode = \"nearest\"> (d, r, c, s)", [1 << 17, 1 << 17]
      ),
      (
        "Gather",
        "float[1, 131072] d = {\(Array(repeating: "0", count: 131072).joined(separator: ","))}, int64 z = {0}",
        "i = Expand (z, s) y = Gather (d, i)", [1 << 17]
      ),
    ]
    return nodes.flatMap { name, data, node, values in
      let list = values.map(String.init).joined(separator: ", ")
      let rest = data.isEmpty ? "" : ", " + data
      return [
        Bomb(
          name: "\(name), shape stored", inputs: "float[1] x",
          stored: "int64[\(values.count)] s = {\(list)}\(rest)", body: node,
          feeds: ["x": Tensor([0] as [Float])]),
        Bomb(
          name: "\(name), shape fed", inputs: "int64[\(values.count)] s", stored: data, body: node,
          feeds: ["s": Tensor(values)]),
      ]
    }
  }()

  @Test(arguments: bombs) func isRefusedNamingTheNode(_ bomb: Bomb) throws {
    let limit = 1 << 30
    let executor = try Executor(
      model: try bomb.model, options: ExecutionOptions(maximumBytes: limit))
    let error = #expect(throws: ExecutionError.self) { _ = try executor.evaluate(bomb.feeds) }
    #expect(error?.code == .memoryLimit, "\(String(describing: error))")
    #expect(error?.place.hasPrefix("node") == true)
    #expect(executor.peakBytes <= limit)
  }

  /// Without a limit of its own an executor keeps to the machine's memory.
  @Test func theMachineIsTheLimit() throws {
    let model = try Model(
      text: """
        <ir_version: 8, opset_import: ["": 17]>
        bomb (int64[2] s) => (y) { y = ConstantOfShape (s) }
        """)
    let executor = try Executor(model: model)
    let error = #expect(throws: ExecutionError.self) {
      _ = try executor.evaluate(["s": Tensor([1 << 24, 1 << 24] as [Int64])])
    }
    #expect(error?.code == .memoryLimit)
    #expect(error?.message.contains("more than the \(MachineMemory.byteCount) that are") == true)
  }

  @Test func whatIsMadeLateIsCountedTogether() throws {
    // Each is 64 kB, both together are above the limit; the sum needs both.
    let model = try Model(
      text: """
        <ir_version: 8, opset_import: ["": 17]>
        sums (int64[1] s) => (y) { a = ConstantOfShape (s) b = ConstantOfShape (s) y = Add (a, b) }
        """)
    let feeds = ["s": Tensor([1 << 14] as [Int64])]
    func result(_ limit: Int) throws -> Tensor? {
      try Executor(model: model, options: ExecutionOptions(maximumBytes: limit))
        .evaluate(feeds)["y"]
    }
    #expect(try result(3 << 16)?.count == 1 << 14)
    let error = #expect(throws: ExecutionError.self) { _ = try result((3 << 16) - 1) }
    #expect(error?.code == .memoryLimit)
  }

  @Test func fewerWorkersRunWhereMemoryIsShort() throws {
    var building = GraphBuilding()
    try building.input("x", [.parameter("N"), .size(4096)])
    try building.node("Add", ["x", "x"], "y")
    building.output("y")
    let feeds = ["x": pattern([64, 4096])]
    func executor(_ limit: Int?) throws -> Executor {
      try Executor(
        model: building.model, options: ExecutionOptions(threads: 4, maximumBytes: limit),
        registry: testRegistry)
    }
    // Sixteen samples of 16 kB a micro-batch: room for one of them at a time.
    let bound = try executor(16 << 14)
    let results = try (executor(nil).run(feeds)["y"], bound.run(feeds)["y"])
    #expect(results.0?.isIdentical(to: try #require(results.1)) == true)
    let fresh = try executor(16 << 14)
    try fresh.forEachMicroBatch(
      feeds.mapValues { SampleRows($0) }, work: { _ in }, merge: { _ in })
    #expect(fresh.peakBytes <= 16 << 14)
  }

  @Test(
    arguments: [
      ("0::/a/b\n", ["/sys/fs/cgroup/a/memory.max": "4096\n"], [4096]),
      ("0::/\n", ["/sys/fs/cgroup/memory.max": "max\n"], []),
      (
        "4:cpu,memory:/x\n0::/\n",
        [
          "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "8192\n",
          "/sys/fs/cgroup/memory/memory.limit_in_bytes": "16384\n",
        ], [8192, 16384]
      ),
      ("nonsense", [:], []),
    ] as [(String, [String: String], [Int])])
  func controlGroupsAreRead(_ membership: String, _ files: [String: String], _ limits: [Int]) {
    #expect(MachineMemory.limits(membership) { files[$0] } == limits)
  }

  @Test func aFeedTooLargeToExistIsRefused() throws {
    let model = try Model(
      text: """
        <ir_version: 8, opset_import: ["": 17]>
        copy (float[n, m] x) => (y) { y = Identity (x) }
        """)
    let error = #expect(throws: ExecutionError.self) {
      _ = try TypeInference(
        model: model, feedTypes: ["x": ArrayType(.float, [1 << 40, 1 << 40])])
    }
    #expect(error?.code == .feedTypeMismatch)
  }
}
