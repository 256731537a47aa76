// swift-tools-version: 6.2
import PackageDescription

/// What every room is compiled with: Swift 6 mode, no warning left standing, imports that say what
/// they use.
let common: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// For the rooms that never touch a raw pointer. Format, kernels, operators and execution do.
let safe: [SwiftSetting] = common + [.strictMemorySafety()]

/// The inner loops are compiled with optimisation in every configuration: unoptimised they make the
/// tests slow.
let kernelFlags: [CSetting] = [.unsafeFlags(["-O3", "-fno-math-errno", "-fno-trapping-math"])]

func room(
  _ name: String, _ dependencies: [Target.Dependency], _ settings: [SwiftSetting] = safe
) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, exclude: [], swiftSettings: common)
}

let package = Package(
  name: "rba-convert",
  products: [
    .executable(name: "rba-convert", targets: ["rba-convert"]),
    .library(name: "RBAConvert", targets: ["RBAConvert"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // C libraries and C code.
    .target(name: "COnnx", linkerSettings: [.linkedLibrary("protobuf-c")]),
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CZip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CKernels", cSettings: kernelFlags, linkerSettings: [.linkedLibrary("m")]),

    // The way data goes, one room per step.
    room("Tensors", ["CCrypto"], common),
    room("GraphIR", ["Tensors"]),
    room("ONNXFormat", ["GraphIR", "Tensors", "COnnx"], common),
    room("SafetensorsFormat", ["Tensors"]),
    room("ArrayFormats", ["Tensors", "CZip"], common),
    room("Kernels", ["COpenBLAS", "CKernels"], common),
    room("Operators", ["GraphIR", "Kernels", "Tensors"], common),
    room("Rewriting", ["GraphIR", "Operators", "Tensors"]),
    room("Execution", ["Operators", "Rewriting", "GraphIR", "Kernels", "Tensors"], common),
    room("Statistics", ["Kernels", "Tensors"], common),
    room("Planning", ["GraphIR", "Operators", "Rewriting", "Statistics", "Tensors"]),
    room(
      "RBAConvert",
      [
        "ArrayFormats", "CMalloc", "Execution", "GraphIR", "ONNXFormat", "Operators", "Planning",
        "Rewriting",
        "SafetensorsFormat", "Statistics", "Tensors",
      ], common),
    .executableTarget(
      name: "rba-convert",
      dependencies: [
        "RBAConvert", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: safe),

    // Tests mirror the rooms.
    tests("Tensors", ["Tensors"]),
    tests("GraphIR", ["GraphIR", "Tensors"]),
    tests("ONNXFormat", ["ONNXFormat", "GraphIR", "Tensors"]),
    tests("SafetensorsFormat", ["SafetensorsFormat", "Tensors"]),
    tests("ArrayFormats", ["ArrayFormats", "Tensors"]),
    tests("Kernels", ["Kernels"]),
    tests("Operators", ["Operators", "GraphIR", "Tensors", "ONNXFormat"]),
    tests(
      "Rewriting", ["Rewriting", "Operators", "GraphIR", "Tensors", "Execution", "ONNXFormat"]),
    tests(
      "Execution", ["Execution", "ArrayFormats", "Operators", "GraphIR", "Tensors", "ONNXFormat"]),
    tests("Statistics", ["Statistics", "Kernels", "Tensors"]),
    tests("Planning", ["Planning", "Statistics", "GraphIR", "Tensors", "ONNXFormat"]),
    tests(
      "RBAConvert",
      [
        "RBAConvert", "ArrayFormats", "Execution", "GraphIR", "ONNXFormat", "Operators", "Planning",
        "SafetensorsFormat", "Statistics", "Tensors",
      ]),
    tests("Command", ["ArrayFormats", "GraphIR", "ONNXFormat", "SafetensorsFormat", "Tensors"]),
    // The program behind tools/fuzz.
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CMalloc", "ArrayFormats", "GraphIR", "ONNXFormat", "Planning", "RBAConvert",
        "SafetensorsFormat", "Tensors",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Fuzzing", swiftSettings: common),
  ],
  swiftLanguageModes: [.v6]
)
