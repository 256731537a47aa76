import Foundation
import SafetensorsFormat
import Tensors
import Testing

/// Statistics on the command line: gathered, merged, used, and refused.
@Suite struct StatisticsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Pictures and labels of the sample, from `range`.
  private func shard(_ range: Range<Int>) throws -> String {
    let path = folder.path("shard-\(range.lowerBound).safetensors")
    let tensors = try SafetensorsFile.read(path: Sample.calibration).tensors
    try SafetensorsFile.write(
      tensors.map { ($0.name, $0.tensor.slice(range)) }, path: path, overwriting: true)
    return path
  }

  private func gather(_ data: String, to name: String, _ options: String...) throws -> Outcome {
    try Program.run(
      ["gather-stats", Sample.model, "--calibration", data, "-o", folder.path(name)] + options)
  }

  private func size(_ path: String) throws -> Int {
    try Data(contentsOf: URL(filePath: path)).count
  }

  @Test func shardsAreGatheredMergedAndUsed() throws {
    let (a, b, merged) = (
      folder.path("a.safetensors"), folder.path("b.safetensors"), folder.path("m.safetensors")
    )
    let first = try gather(shard(0..<8), to: "a.safetensors")
    #expect(
      first
        == Outcome(
          status: 0,
          stdout: """
            samples: 4 to fit on, 4 held out
            stream 0: 188 pairs of points over 200 rows, 200 held out
            wrote \(a), \(try size(a)) bytes

            """, stderr: ""))
    let second = try gather(shard(8..<24), to: "b.safetensors", "--quiet")
    #expect(second == Outcome(status: 0, stdout: "", stderr: ""))
    #expect(
      try Program.run("merge-stats", a, b, "-o", merged, "--json")
        == Outcome(
          status: 0,
          stdout: """
            {
              "bytes" : \(try size(merged)),
              "output" : "\(merged)",
              "pairs" : [
                188
              ],
              "rows" : [
                {
                  "fit" : 600,
                  "held" : 600
                }
              ],
              "samples" : {
                "fit" : 12,
                "held" : 12
              },
              "schema" : "rba-convert/merge-stats/1"
            }

            """, stderr: ""))
    let output = folder.path("out.onnx")
    let conversion = try Program.run([
      Sample.model, output, "--calibration", try shard(24..<32), "--spans", "4:5", "--stats",
      merged, "--force",
    ])
    #expect(conversion.status == 0)
    #expect(
      conversion.stderr
        == """
        note: \(merged): samples held out now may be among those fitted on, and the loss then be larger \
        than is told; give other samples, or those of one gather-stats run with its --holdout
        note: maps are fitted on the 12 samples of \(merged), none anew in sequence

        """)
    // The statistics are as they were, and the model says what it was made from.
    let inputs = ["--inputs", try shard(32..<36)]
    let verification = try Program.run(
      ["verify", Sample.model, output, "--max-error", "10", "--json"] + inputs)
    #expect(verification.status == 0)
    #expect(verification.stderr == "")
    let document = try JSONSerialization.jsonObject(with: Data(verification.stdout.utf8))
    let shift = try #require((document as? [String: Any])?["domainShift"] as? [String: Any])
    #expect(shift["exceeded"] as? Bool == false)
    #expect(Set(shift.keys) == ["distance", "exceeded", "limit", "point"])
  }

  @Test func oneFileIsNotMerged() throws {
    let outcome = try Program.run(
      "merge-stats", "a.safetensors", "-o", folder.path("m.safetensors"))
    #expect(
      outcome
        == Outcome(
          status: 64, stdout: "",
          stderr: "rba-convert: error: expected two statistics files or more, got 1\n"))
  }

  @Test func filesThatAreNoStatisticsAreRefused() throws {
    let path = Sample.calibration
    for arguments in [
      ["merge-stats", path, path, "-o", folder.path("m.safetensors")],
      [Sample.model, folder.path("out.onnx"), "--calibration", path, "--stats", path],
      ["verify", Sample.model, Sample.model, "--inputs", path, "--stats", path],
    ] {
      #expect(
        try Program.run(arguments)
          == Outcome(
            status: 65, stdout: "",
            stderr: "rba-convert: error: \(path): expected statistics that rba-convert wrote, "
              + "with metadata 'rba-convert.statistics'\n"))
    }
    #expect(try folder.contents == [])
  }

  @Test func missingFilesAreNoInput() throws {
    let path = folder.path("absent.safetensors")
    let missing = Outcome(
      status: 66, stdout: "", stderr: "rba-convert: error: \(path): no such file\n")
    #expect(
      try Program.run("merge-stats", path, path, "-o", folder.path("m.safetensors")) == missing)
    #expect(
      try Program.run("verify", Sample.model, Sample.model, "--stats", path) == missing)
  }

  @Test func whatStandsThereIsNotReplacedUnasked() throws {
    let path = try folder.write(Data("mine".utf8), as: "mine.safetensors")
    let refusal = Outcome(
      status: 73, stdout: "",
      stderr: "rba-convert: error: \(path): already exists\nnote: use --force to replace it\n")
    #expect(try gather(Sample.calibration, to: "mine.safetensors") == refusal)
    #expect(try Program.run("merge-stats", "a", "b", "-o", path) == refusal)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("mine".utf8))
  }

  @Test func statisticsThatCannotBeWrittenFailEarly() throws {
    let path = folder.path("absent/s.safetensors")
    let arguments = [
      "convert", Sample.model, folder.path("out.onnx"), "--calibration", Sample.calibration,
    ]
    #expect(
      try Program.run(arguments + ["--stats", path])
        == Outcome(
          status: 73, stdout: "",
          stderr: "rba-convert: error: \(path): cannot create: no such file or directory\n"))
    let other = folder.path("s.npy")
    #expect(
      try Program.run(arguments + ["--stats", other])
        == Outcome(
          status: 64, stdout: "",
          stderr: "rba-convert: error: --stats: expected a file that ends in .safetensors, "
            + "got '\(other)'\n"))
    let output = folder.path("out.onnx")
    #expect(
      try Program.run(arguments + ["--stats", output])
        == Outcome(
          status: 64, stdout: "",
          stderr: "rba-convert: error: --stats: '\(output)' is the output\n"))
  }
}
