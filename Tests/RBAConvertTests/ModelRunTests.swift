import Testing

@testable import RBAConvert

@Suite struct ModelRunTests {
  @Test(arguments: [
    (["logits", "a-b.c_1"], ["logits", "a-b.c_1"]),
    (["a/b", "a_b", "a:b"], ["a_b", "a_b-2", "a_b-3"]),
    (["a_b-2", "a/b", "a_b"], ["a_b-2", "a_b", "a_b-3"]),
    (["Y", "y"], ["Y", "y-2"]),
    (["", ".", "..", "../../etc/passwd"], ["_", "_.", "_..", "_.._.._etc_passwd"]),
    (["é", "e\u{301}", "\u{0}\u{1B}\n"], ["_", "e_", "___"]),
    ([String(repeating: "n", count: 300)], [String(repeating: "n", count: 200)]),
  ])
  func outputNamesBecomeFileNames(names: [String], files: [String]) {
    #expect(plainFileNames(names) == files)
  }

  @Test func manyEqualNamesAreToldApartInTime() {
    let files = plainFileNames([String](repeating: "/", count: 100_000))
    #expect(Set(files).count == 100_000)
  }
}
