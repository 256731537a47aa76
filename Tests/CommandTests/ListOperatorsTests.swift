import Foundation
import Testing

/// `--list-operators`: what the program evaluates, by domain.
@Suite struct ListOperatorsTests {
  private struct Report: Decodable {
    struct Versions: Decodable {
      let from: Int
      let through: Int?
    }
    struct Operator: Decodable {
      let name: String
      let versions: [Versions]
    }
    struct Domain: Decodable {
      let domain: String
      let operators: [Operator]
    }
    let schema: String
    let domains: [Domain]
  }

  private func report() throws -> Report {
    let outcome = try Program.run("--list-operators", "--json")
    #expect(outcome.status == 0)
    #expect(outcome.stderr == "")
    return try JSONDecoder().decode(Report.self, from: Data(outcome.stdout.utf8))
  }

  /// A heading and a line for each operator, domains apart by an empty line, and nothing else.
  @Test func everyLineIsAnOperatorAndItsVersions() throws {
    let report = try report()
    let outcome = try Program.run("--list-operators")
    #expect(outcome.status == 0)
    #expect(outcome.stderr == "")
    var expected: [[String]] = []
    for domain in report.domains {
      if !expected.isEmpty { expected.append([]) }
      let name = domain.domain.isEmpty ? "ai.onnx" : domain.domain
      expected.append(["\(name),", "\(domain.operators.count)", "operators", "opset"])
      for operation in domain.operators {
        let versions = operation.versions.map { versions in
          guard let through = versions.through else { return "\(versions.from)–" }
          return through == versions.from ? "\(through)" : "\(versions.from)–\(through)"
        }
        expected.append(
          [operation.name] + versions.joined(separator: ", ").split(separator: " ").map(String.init)
        )
      }
    }
    let lines = outcome.stdout.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.last == "")
    #expect(lines.dropLast().map { $0.split(separator: " ").map(String.init) } == expected)
  }

  @Test func theListIsOrderedAndOfPublicDomains() throws {
    let report = try report()
    #expect(report.schema == "rba-convert/list-operators/1")
    #expect(report.domains.first?.domain == "")
    #expect(report.domains.map(\.domain) == report.domains.map(\.domain).sorted())
    #expect(!report.domains.contains { $0.domain.hasPrefix("rba-convert") })
    for domain in report.domains {
      let names = domain.operators.map(\.name)
      #expect(names == Set(names).sorted())
      for versions in domain.operators.map(\.versions) {
        #expect(!versions.isEmpty)
        // Ranges follow one another with a gap between them.
        for (a, b) in zip(versions, versions.dropFirst()) {
          #expect(a.through.map { $0 + 1 < b.from } ?? false)
        }
      }
    }
  }

  /// Two implementations of versions that follow one another are one range.
  @Test(arguments: [("Scan", 8), ("If", 1), ("Softmax", 1), ("SequenceMap", 17)])
  func versionsReachToTheNewest(name: String, from: Int) throws {
    let operation = try #require(
      try report().domains.first?.operators.first { $0.name == name })
    #expect(operation.versions.count == 1)
    #expect(operation.versions.first?.from == from)
    #expect(operation.versions.first?.through == nil)
  }

  @Test func optionsMayStandBeforeIt() throws {
    let usual = try Program.run("--list-operators", "--json")
    #expect(try Program.run("--json", "--list-operators") == usual)
    #expect(
      try Program.run("--list-operators", "--quiet") == Outcome(status: 0, stdout: "", stderr: ""))
  }

  @Test func nothingElseMayStandBesideIt() throws {
    #expect(
      try Program.run("--list-operators", "model.onnx")
        == Outcome(
          status: 64, stdout: "",
          stderr: """
            rba-convert: error: unexpected argument 'model.onnx'
            note: see 'rba-convert --help'

            """))
  }
}
