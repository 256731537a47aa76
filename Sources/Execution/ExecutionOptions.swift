import Foundation

/// How an executor may use the machine. None of it changes a result.
package struct ExecutionOptions: Sendable {
  /// Workers at most; all cores where `nil`.
  package var threads: Int?
  /// Bytes that may be planned for intermediate results; the machine's memory where `nil`.
  package var maximumBytes: Int?
  /// Whether the private copy of the graph is lowered to fused operators.
  package var fuses: Bool

  /// Bytes that all evaluations at work may take together.
  package var byteLimit: Int { maximumBytes ?? MachineMemory.byteCount }

  /// Threads that work goes to.
  package var workers: Int { max(threads ?? ProcessInfo.processInfo.activeProcessorCount, 1) }

  package init(threads: Int? = nil, maximumBytes: Int? = nil, fuses: Bool = true) {
    self.threads = threads
    self.maximumBytes = maximumBytes
    self.fuses = fuses
  }
}
