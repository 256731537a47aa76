import Foundation
import Testing

/// Results that cannot be written, and processes that end before they are: status, one line, no litter.
@Suite struct OutputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func expect(
    _ status: Int32, _ message: String, output: String,
    _ run: ([String]) throws -> Outcome = Program.run,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try folder.contents
    let outcome = try run(["copy", Sample.model, output, "--force"])
    #expect(
      outcome == Outcome(status: status, stdout: "", stderr: "rba-convert: error: \(message)\n"),
      sourceLocation: sourceLocation)
    #expect(try folder.contents == before, sourceLocation: sourceLocation)
  }

  @Test(arguments: [false, true])
  func aDiskThatIsFull(isReplacing: Bool) throws {
    let path = folder.path("out.onnx")
    if isReplacing { _ = try folder.write(Data("mine".utf8), as: "out.onnx") }
    // A limit of a mebibyte on the size of files stands in for the disk.
    try expect(74, "\(path): cannot write: file too large", output: path) {
      try Program.run($0, after: "ulimit -f 2048")
    }
    if isReplacing {
      #expect(try Data(contentsOf: URL(filePath: path)) == Data("mine".utf8))
    }
  }

  @Test func aDiskThatIsFullBehindStandardOutput() throws {
    let outcome = try Program.run(["inspect", Sample.model], after: "exec >/dev/full")
    #expect(
      outcome
        == Outcome(
          status: 74, stdout: "",
          stderr:
            "rba-convert: error: standard output: cannot write: no space left on device\n"))
  }

  @Test func nothingReplacesWhatIsNoFile() throws {
    let device = folder.path("device.onnx")
    try FileManager.default.createSymbolicLink(atPath: device, withDestinationPath: "/dev/null")
    try expect(73, "\(device): cannot replace a device", output: device)
    let pipe = folder.path("pipe.onnx")
    #expect(mkfifo(pipe, 0o600) == 0)
    try expect(73, "\(pipe): cannot replace a pipe", output: pipe)
    let link = folder.path("link.onnx")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "nowhere")
    try expect(73, "\(link): cannot replace a link that leads nowhere", output: link)
  }

  @Test func pathsOfNoFile() throws {
    let long = folder.path(String(repeating: "n", count: 256) + ".onnx")
    try expect(73, "\(long): cannot create: file name too long", output: long)
    let below = Sample.model + "/out.onnx"
    try expect(73, "\(below): cannot create: not a directory", output: below)
  }

  /// Under another ending no verb would look for a model.
  @Test(arguments: ["", "out", "out.npy", "out.safetensors.index.json", "out.onnx.gz", "-"])
  func endingsOfOtherFiles(name: String) throws {
    try expect(
      64, "expected an output that ends in .onnx or .safetensors, got '\(name)'", output: name)
  }

  @Test func anInputIsReplacedByItsOwnCopy() throws {
    let original = try Data(contentsOf: URL(filePath: Sample.model))
    let path = try folder.write(original, as: "model.onnx")
    #expect(try Program.run("copy", path, path, "--force", "-q").status == 0)
    #expect(try Data(contentsOf: URL(filePath: path)) == original)
    #expect(try folder.contents == ["model.onnx"])
  }

  @Test func aModelThatIsCutShortWhileItIsRead() throws {
    let path = try folder.write(
      try Data(contentsOf: URL(filePath: Sample.model)), as: "model.onnx")
    // Cut as soon as the program has it mapped.
    let outcome = try Program.run(
      ["run", path, "--repeat", "1000", "-q"],
      meanwhile: { process in
        let maps = "/proc/\(process)/maps"
        while let text = try? String(contentsOfFile: maps, encoding: .utf8), !text.isEmpty {
          if text.contains(path) { break }
        }
        usleep(200_000)
        #expect(truncate(path, 0) == 0)
      })
    // On a busy machine it may not yet have been read, and is then told as an empty one.
    let line = "rba-convert: error: a file was cut short while it was read\n"
    let early = "rba-convert: error: \(path): a model without a graph\n"
    #expect(outcome.status == 65)
    #expect(outcome.stdout == "")
    #expect([line, early].contains(outcome.stderr), "\(outcome.stderr)")
  }

  @Test func aProcessThatIsKilledLeavesNothing() throws {
    let outcome = try Program.run(
      [Sample.model, folder.path("out.onnx"), "--calibration", Sample.calibration, "-q"],
      meanwhile: { process in
        usleep(300_000)
        #expect(kill(process, SIGKILL) == 0)
      })
    #expect(outcome == Outcome(status: -SIGKILL, stdout: "", stderr: ""))
    #expect(try folder.contents == [])
  }
}
