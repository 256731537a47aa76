import CMalloc
import FoundationEssentials
import Glibc

/// What a worker says of the inputs it tried.
struct WorkerReport: Codable {
  var accepted = 0
  /// How often each code was the answer.
  var refused: [String: Int] = [:]
  /// What did not come back equal, by index.
  var broken: [Int: String] = [:]
  /// Bytes in use on the heap at the end beyond those after the first inputs.
  var growth = 0
}

/// Tries a range of inputs in a process that may die of it.
struct Worker {
  let reader: FuzzedReader
  let inputs: Inputs
  let range: Range<Int>
  /// A file whose eight bytes tell the index being tried.
  let progress: String

  /// What one input may take.
  static let secondsPerInput: UInt32 = 10
  static let memoryLimit = 4 << 30
  /// Inputs before the heap is measured for the first time.
  private static let warmUp = 1000

  func run(report path: String) throws {
    var limit = rlimit(rlim_cur: rlim_t(Self.memoryLimit), rlim_max: rlim_t(Self.memoryLimit))
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    let descriptor = open(progress, O_RDWR)
    let address = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw Fault("cannot map \(progress)") }
    let folder = try Scratch()
    var report = WorkerReport()
    var heap = 0
    for index in range {
      if index == range.lowerBound + Self.warmUp { heap = Self.heapInUse }
      address.storeBytes(of: index, as: Int.self)
      alarm(Self.secondsPerInput)
      switch try reader.read(inputs.input(index), in: folder) {
      case .accepted: report.accepted += 1
      case .refused(let code):
        guard index >= inputs.corpus.count else {
          report.broken[index] = "a file of the corpus is refused: \(code)"
          continue
        }
        report.refused[code, default: 0] += 1
      case .broken(let reason): report.broken[index] = reason
      }
    }
    alarm(0)
    if range.count > Self.warmUp { report.growth = Self.heapInUse - heap }
    try JSONEncoder().encode(report).write(to: URL(filePath: path))
  }

  private static var heapInUse: Int {
    let info = mallinfo2()
    return Int(info.uordblks + info.hblkhd)
  }
}
