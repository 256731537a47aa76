import CMalloc
import FoundationEssentials

/// The most memory this process has had resident, in bytes; 0 where the system does not say.
func peakResidentBytes() -> Int {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
    let number = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first,
    let kilobytes = Int(number)
  else { return 0 }
  return kilobytes * 1024
}

/// Gives memory that was freed back to the system, which the allocator would keep.
func releaseFreedMemory() { malloc_trim(0) }
