import ArgumentParser
import RBAConvert

/// The operators this program evaluates; `--list-operators` stands for it.
struct ListOperators: ParsableCommand {
  static let flag = "--list-operators"

  static let configuration = CommandConfiguration(
    commandName: "list-operators", abstract: "List the operators that models may consist of.",
    shouldDisplay: false)

  @OptionGroup var common: CommonOptions

  func run() throws {
    let report = OperatorListing().run()
    try common.show(report, OperatorText.lines(report))
  }

  /// The arguments, with the verb that the flag stands for where it is the first of them, or no argument
  /// is anything but an option.
  static func expanding(_ arguments: [String]) -> [String] {
    let isAlone = arguments.contains(flag) && arguments.allSatisfy { $0.hasPrefix("-") }
    guard arguments.first == flag || isAlone else { return arguments }
    return ["list-operators"] + arguments.filter { $0 != flag }
  }
}
