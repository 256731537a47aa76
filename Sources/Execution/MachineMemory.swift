import FoundationEssentials
import Glibc

/// What this process may use of the machine's memory.
enum MachineMemory {
  /// Bytes of physical memory, or of the least that a control group above the process allows.
  static let byteCount: Int = {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    let (physical, overflow) = pages.multipliedReportingOverflow(by: size)
    let membership = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    return
      ([overflow || physical <= 0 ? .max : physical]
      + limits(membership) { path in
        try? String(contentsOfFile: path, encoding: .utf8)
      }).min()!
  }()

  /// The limits that apply to a process of this membership, as `/proc/self/cgroup` states it.
  static func limits(_ membership: String, read: (String) -> String?) -> [Int] {
    var paths: [String] = []
    for line in membership.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let (root, file): (String, String)
      switch parts[1] {
      case "": (root, file) = ("/sys/fs/cgroup", "memory.max")
      case let names where names.split(separator: ",").contains("memory"):
        (root, file) = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
      default: continue
      }
      var folders = parts[2].split(separator: "/").map(String.init)
      while true {
        paths.append(([root] + folders + [file]).joined(separator: "/"))
        if folders.popLast() == nil { break }
      }
    }
    return paths.compactMap { path in
      read(path).flatMap { Int($0.prefix(while: \.isNumber)) }
    }.filter { $0 > 0 }
  }
}
