import ArrayFormats
import Foundation
import GraphIR
import SafetensorsFormat
import Synchronization
import Tensors
import Testing

@testable import RBAConvert

@Suite struct SampleLoadingTests {
  private let folder: TemporaryFolder
  private let image = ModelInput(
    name: "image", type: TensorType(.float, [.parameter("N"), .size(2)]))
  private let mask = ModelInput(
    name: "mask", type: TensorType(.int64, [.parameter("N"), .parameter("T")]))

  init() throws { folder = try TemporaryFolder() }

  /// Sample s of width w holds 10·s + column.
  private func images(_ samples: Int, width: Int = 2) -> Tensor {
    Tensor(
      (0..<samples * width).map { Float($0 / width * 10 + $0 % width) }, shape: [samples, width])
  }

  private func save(_ tensors: [(name: String, tensor: Tensor)], as name: String) throws -> String {
    try SafetensorsFile.write(tensors, path: folder.path(name), overwriting: false)
    return folder.path(name)
  }

  private func save(_ tensor: Tensor, as name: String) throws -> String {
    try NpyFile.write(tensor, path: folder.path(name), overwriting: false)
    return folder.path(name)
  }

  private func load(
    _ inputs: [ModelInput], _ paths: [String], labels: String? = nil, maximum: Int? = nil,
    _ diagnostics: Diagnostics = .silent
  ) throws(Failure) -> SampleSet {
    try SampleLoader(inputs: inputs, diagnostics: diagnostics).load(
      DataRequest(paths: paths, labels: labels, maximumSamples: maximum))
  }

  @Test func aTensorFeedsTheInputOfItsName() throws {
    let path = try save(
      [
        ("mask", Tensor([1, 1, 0] as [Int64], shape: [3, 1])), ("image", images(3)),
        ("labels", Tensor([4, 5, 6] as [Int64])),
      ], as: "both.safetensors")
    let samples = try load([image, mask], [path])
    #expect(samples.count == 3)
    #expect(samples.feeds["image"]?.isIdentical(to: images(3)) == true)
    #expect(samples.feeds["mask"]?.elements(as: Int64.self) == [1, 1, 0])
    #expect(samples.labels?.classes == [4, 5, 6])
    #expect(samples.source == path)
    #expect(!samples.isSynthetic)
  }

  @Test func oneTensorWithoutANameFeedsTheOnlyInput() throws {
    let samples = try load([image], [try save(images(2), as: "unnamed.npy")])
    #expect(samples.feeds["image"]?.isIdentical(to: images(2)) == true)
    #expect(samples.labels == nil)
  }

  @Test func aPathMayNameItsInput() throws {
    let first = try save(images(2), as: "a.npy")
    let second = try save(Tensor([7, 8] as [Int64], shape: [2, 1]), as: "b.npy")
    let samples = try load([image, mask], ["mask:" + second, "image:" + first])
    #expect(samples.feeds["mask"]?.elements(as: Int64.self) == [7, 8])
    #expect(samples.feeds["image"]?.isIdentical(to: images(2)) == true)
  }

  @Test func aNamedInputTakesItsOwnTensorOfAFile() throws {
    let path = try save(
      [
        ("image", images(2)), ("other", images(3)), ("labels", Tensor([1, 0] as [Int64])),
      ], as: "several.safetensors")
    let notes = Notes()
    let samples = try load([image], ["image:" + path], notes.diagnostics)
    #expect(samples.feeds["image"]?.isIdentical(to: images(2)) == true)
    #expect(samples.labels?.classes == [1, 0])
    #expect(notes.lines == ["not fed, since no input is called so: 'other' of \(path)"])
  }

  @Test func whatIsReadForOneInputFeedsNoOther() throws {
    func both(_ first: Int64, as name: String) throws -> String {
      try save(
        [
          ("image", Tensor([Float(first), 0], shape: [1, 2])),
          ("mask", Tensor([first], shape: [1, 1])),
        ], as: name)
    }
    let (a, b) = (try both(1, as: "a.safetensors"), try both(2, as: "b.safetensors"))
    let notes = Notes()
    let samples = try load([image, mask], ["image:" + a, "mask:" + b], notes.diagnostics)
    #expect(samples.feeds["image"]?.elements(as: Float.self) == [1, 0])
    #expect(samples.feeds["mask"]?.elements(as: Int64.self) == [2])
    #expect(
      notes.lines == [
        "not fed, since 'image' was asked for: 'mask' of \(a)",
        "not fed, since 'mask' was asked for: 'image' of \(b)",
      ])
  }

  @Test func aNamedInputTakesItsOwnFileOfAFolder() throws {
    let path = folder.path("data")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try NpyFile.write(images(2), path: path + "/image.npy", overwriting: false)
    try NpyFile.write(images(3), path: path + "/other.npy", overwriting: false)
    let samples = try load([image], ["image:" + path])
    #expect(samples.feeds["image"]?.isIdentical(to: images(2)) == true)
  }

  @Test func aNamedInputTakesTheOnlyTensorBesideLabels() throws {
    let path = try save(
      [("pixels", images(2)), ("labels", Tensor([1, 0] as [Int64]))], as: "one.safetensors")
    let samples = try load([image], ["image:" + path])
    #expect(samples.feeds["image"]?.isIdentical(to: images(2)) == true)
    #expect(samples.labels?.classes == [1, 0])
    let several = try save(
      [("left", images(2)), ("right", images(2))], as: "two.safetensors")
    #expect(
      try failure { () throws(Failure) in try load([image], ["image:" + several]) }.message
        == "image:\(several): no data for input 'image', expected 'image' float[N, 2]; got 'left' of "
        + "\(several), 'right' of \(several)")
  }

  @Test func filesOfOneInputAreJoinedInTheirOrder() throws {
    let first = try save(images(2), as: "a.npy")
    let second = try save(images(1), as: "b.npy")
    let samples = try load([image], [first, second])
    #expect(samples.feeds["image"]?.elements(as: Float.self) == [0, 1, 10, 11, 0, 1])
  }

  @Test func labelsOfSeveralFilesAreJoinedLikeTheirSamples() throws {
    let first = try save(
      [("image", images(2)), ("labels", Tensor([4, 5] as [Int64]))], as: "a.safetensors")
    let second = try save(
      [("image", images(1)), ("labels", Tensor([6] as [UInt8]))], as: "b.safetensors")
    #expect(try load([image], [first, second]).labels?.classes == [4, 5, 6])
    #expect(try load([image], [second, first]).labels?.classes == [6, 4, 5])
    let bare = try save([("image", images(3))], as: "c.safetensors")
    let refusal = try failure { () throws(Failure) in try load([image], [first, bare, second]) }
    #expect(refusal.message == "\(bare): has no labels, \(first) has")
  }

  /// Each file has its own; a surplus of one is not another's.
  @Test func labelsAreOfTheSamplesOfTheirFile() throws {
    let first = try save(
      [("image", images(2)), ("labels", Tensor([4] as [Int64]))], as: "a.safetensors")
    let second = try save(
      [("image", images(1)), ("labels", Tensor([6, 5] as [Int64]))], as: "b.safetensors")
    let refusal = try failure { () throws(Failure) in try load([image], [first, second]) }
    #expect(
      refusal.message == "\(first): labels: expected integers of shape [2], got int64[1]")
  }

  /// Whether one file feeds two inputs or each its own, the labels are of the same samples.
  @Test func labelsBesideEachInputAreTheSame() throws {
    let masks = Tensor([1, 0] as [Int64], shape: [2, 1])
    func file(_ name: String, _ tensors: [(String, Tensor)], _ labels: [Int64]) throws -> String {
      try save(tensors.map { (name: $0.0, tensor: $0.1) } + [("labels", Tensor(labels))], as: name)
    }
    let both = try file("both.safetensors", [("image", images(2)), ("mask", masks)], [7, 8])
    #expect(
      try load([image, mask], ["image:\(both)", "mask:\(both)"]).labels?.classes == [7, 8])
    let x = try file("x.safetensors", [("image", images(2))], [7, 8])
    let z = try file("z.safetensors", [("mask", masks)], [7, 8])
    #expect(try load([image, mask], [x, z]).labels?.classes == [7, 8])
    let other = try file("other.safetensors", [("mask", masks)], [8, 7])
    let refusal = try failure { () throws(Failure) in try load([image, mask], [x, other]) }
    #expect(refusal.message == "\(other): labels: expected those of \(x), got others")
  }

  /// Folders with the samples in one file and the labels in another.
  @Test func labelsOfAFolderAreOfAllThatItFeeds() throws {
    var paths: [String] = []
    for (name, count) in [("a", 2), ("b", 3)] {
      let path = folder.path(name)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      _ = try save([("image", images(1))], as: "\(name)/1.safetensors")
      _ = try save([("image", images(count - 1))], as: "\(name)/2.safetensors")
      _ = try save([("labels", Tensor((0..<count).map(Int64.init)))], as: "\(name)/l.safetensors")
      paths.append(path)
    }
    #expect(try load([image], paths).labels?.classes == [0, 1, 0, 1, 2])
    #expect(try load([image], [paths[1]]).labels?.classes == [0, 1, 2])
  }

  @Test func labelsThatNothingIsAskedOfAreNotRead() throws {
    let path = try save(
      [("image", images(2)), ("labels", Tensor([0.5] as [Float]))], as: "odd.safetensors")
    var request = DataRequest(paths: [path])
    request.readsLabels = false
    let notes = Notes()
    let samples = try SampleLoader(inputs: [image], diagnostics: notes.diagnostics).load(request)
    #expect(samples.count == 2 && samples.labels == nil && notes.lines.isEmpty)
  }

  @Test func labelsMayComeFromAFileOfTheirOwn() throws {
    let path = try save(images(3), as: "images.npy")
    let labels = try save(Tensor([2, 0, 1] as [Int32]), as: "classes.npy")
    #expect(try load([image], [path], labels: labels).labels?.classes == [2, 0, 1])
  }

  @Test func noMoreSamplesThanAskedForAreTaken() throws {
    let path = try save(
      [("image", images(3)), ("labels", Tensor([4, 5, 6] as [Int64]))], as: "three.safetensors")
    let samples = try load([image], [path], maximum: 2)
    #expect(samples.feeds["image"]?.elements(as: Float.self) == [0, 1, 10, 11])
    #expect(samples.labels?.classes == [4, 5])
    #expect(try load([image], [path], maximum: 9).count == 3)
  }

  /// Of data sorted by class some of every class.
  @Test(arguments: [
    (1, [9]), (2, [4, 6]), (3, [2, 4, 9]), (4, [1, 3, 6, 7]), (5, [1, 2, 5, 6, 9]),
    (9, [0, 1, 2, 3, 4, 5, 6, 7, 8]), (10, Array(0..<10)),
  ])
  func theSamplesTakenAreSpreadOverTheData(count: Int, rows: [Int]) throws {
    let path = try save(
      [("image", images(10)), ("labels", Tensor((0..<10).map(Int64.init)))], as: "ten.safetensors")
    #expect(try load([image], [path], maximum: count).labels?.classes == rows)
  }

  @Test func whatNoInputIsCalledIsLeftOutWithANote() throws {
    let path = try save(
      [("image", images(1)), ("ages", images(1))], as: "more.safetensors")
    let notes = Mutex<[String]>([])
    _ = try load(
      [image], [path],
      Diagnostics(note: { note in notes.withLock { $0.append(note) } }, progress: { _, _ in }))
    #expect(
      notes.withLock { $0 } == ["not fed, since no input is called so: 'ages' of \(path)"])
  }

  @Test func wrongShapesAndTypesAreRefused() throws {
    let wide = try save(images(2, width: 3), as: "wide.npy")
    let flat = try save(Tensor([1, 2] as [Float]), as: "flat.npy")
    let whole = try save(Tensor([1, 2] as [Int64], shape: [1, 2]), as: "whole.npy")
    let scalar = try save(Tensor([1] as [Float], shape: []), as: "scalar.npy")
    for (path, got) in [
      (wide, "float[2, 3]"), (flat, "float[2]"), (whole, "int64[1, 2]"), (scalar, "float[]"),
    ] {
      let refusal = try failure { () throws(Failure) in try load([image], [path]) }
      #expect(refusal.status == .malformedInput)
      #expect(refusal.message == "\(path): input 'image': expected float[N, 2], got \(got)")
    }
  }

  @Test func missingInputsAreListedTogether() throws {
    let path = try save([("picture", images(2))], as: "other.safetensors")
    let refusal = try failure { () throws(Failure) in try load([image, mask], [path]) }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message
        == "\(path): no data for input 'image', 'mask', expected 'image' float[N, 2], "
        + "'mask' int64[N, T]; got 'picture' of \(path)")
  }

  @Test func anUnknownInputInAPathIsRefused() throws {
    let refusal = try failure { () throws(Failure) in try load([image], ["picture:a.npy"]) }
    #expect(
      refusal.message
        == "picture:a.npy: the model has no input 'picture'; expected 'image' float[N, 2]")
  }

  @Test func samplesOfDifferentNumbersAreRefused() throws {
    let path = try save(
      [("image", images(3)), ("mask", Tensor([1, 1] as [Int64], shape: [2, 1]))],
      as: "uneven.safetensors")
    let refusal = try failure { () throws(Failure) in try load([image, mask], [path]) }
    #expect(
      refusal.message
        == "\(path): expected 3 samples for input 'mask' as for 'image', got 2")
  }

  /// A recurrent state of two layers, a rate without axes and a sound share no axis of samples.
  @Test func tensorsOfInputsWithoutACommonAxisAreOneSample() throws {
    let inputs = [
      ModelInput(name: "sound", type: TensorType(.float, [.unknown, .unknown])),
      ModelInput(name: "state", type: TensorType(.float, [.size(2), .unknown])),
      ModelInput(name: "rate", type: TensorType(.int64, [])),
    ]
    let path = try save(
      [
        ("rate", Tensor([16000] as [Int64], shape: [])), ("sound", images(1, width: 8)),
        ("state", images(2)),
      ], as: "single.safetensors")
    let samples = try load(inputs, [path])
    #expect(samples.count == 1 && samples.isSingle)
    #expect(samples.feeds["rate"]?.shape == [])
    #expect(samples.selecting([0]).feeds["state"]?.shape == [2, 2])
    let wrong = try save(
      [("rate", images(1)), ("sound", images(1)), ("state", images(2))], as: "w.safetensors")
    let error = #expect(throws: Failure.self) { _ = try load(inputs, [wrong]) }
    #expect(error?.message == "\(wrong): input 'rate': expected int64[], got float[1, 2]")
  }

  @Test func oneSampleHasOneLabel() throws {
    let inputs = [
      ModelInput(name: "sound", type: TensorType(.float, [.size(4), .size(2)])),
      ModelInput(name: "state", type: TensorType(.float, [.size(3), .size(2)])),
    ]
    let path = try save([("sound", images(4)), ("state", images(3))], as: "single.safetensors")
    let one = try save(Tensor([5] as [Int64]), as: "one.npy")
    let samples = try load(inputs, [path], labels: one)
    #expect(samples.isSingle && samples.labels?.classes == [5])
    let several = try save(Tensor([1, 0, 1, 0] as [Int64]), as: "several.npy")
    let refusal = try failure { () throws(Failure) in try load(inputs, [path], labels: several) }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message == "\(several): labels: expected integers of shape [1], got int64[4]")
  }

  @Test func filesThatCannotBeJoinedAreRefused() throws {
    let first = try save(images(1), as: "a.npy")
    let second = try save(images(1, width: 3), as: "b.npy")
    let anyWidth = ModelInput(
      name: "image", type: TensorType(.float, [.parameter("N"), .unknown]))
    let refusal = try failure { () throws(Failure) in try load([anyWidth], [first, second]) }
    #expect(
      refusal.message
        == "\(second): expected samples like those of \(first), float[1, 2], got float[1, 3]")
  }

  @Test func noSamplesAreRefused() throws {
    let path = try save(images(0), as: "none.npy")
    let refusal = try failure { () throws(Failure) in try load([image], [path]) }
    #expect(refusal.message == "\(path): holds no samples")
  }

  @Test func labelsThatAreNoClassesAreRefused() throws {
    let path = try save(images(2), as: "images.npy")
    let few = try save(Tensor([1] as [Int64]), as: "few.npy")
    let fractions = try save(Tensor([1, 2] as [Float]), as: "fractions.npy")
    for (labels, got) in [(few, "int64[1]"), (fractions, "float[2]")] {
      let refusal = try failure { () throws(Failure) in
        try load([image], [path], labels: labels)
      }
      #expect(
        refusal.message == "\(labels): labels: expected integers of shape [2], got \(got)")
    }
  }

  @Test func filesThatAreMissingOrOfNoKnownKindAreRefused() throws {
    let absent = try failure { () throws(Failure) in
      try load([image], [folder.path("absent.npy")])
    }
    #expect(absent.status == .noInput)
    #expect(absent.message == "\(folder.path("absent.npy")): no such file")
    _ = try save(images(1), as: "table.csv")
    let csv = folder.path("table.csv")
    let unknown = try failure { () throws(Failure) in try load([image], [csv]) }
    #expect(unknown.status == .malformedInput)
    #expect(
      unknown.message
        == "\(csv): expected .npy, .npz, .safetensors, .pb or a folder of those, got '.csv'")
  }

  @Test func numbersThatAreNotFiniteAreToldWithTheirSample() throws {
    let samples = SampleSet(
      feeds: ["image": Tensor([0, 1, 2, .infinity, 4, .nan] as [Float], shape: [3, 2])],
      labels: nil, source: "data", isSynthetic: false)
    let refusal = try failure { () throws(Failure) in try samples.checkFinite() }
    #expect(
      refusal.message
        == "data: input 'image': expected finite numbers, got NaN or infinity in sample 1")
  }

  /// A scalar has no axis that samples could run over.
  @Test(arguments: [Tensor([.nan] as [Float], shape: []), Tensor([1, .infinity] as [Double])])
  func numbersOfASingleSampleThatAreNotFiniteAreTold(tensor: Tensor) throws {
    let samples = SampleSet(
      feeds: ["t": tensor], labels: nil, source: "data", isSynthetic: false, isSingle: true)
    let refusal = try failure { () throws(Failure) in try samples.checkFinite() }
    #expect(
      refusal.message == "data: input 't': expected finite numbers, got NaN or infinity in sample 0"
    )
  }
}
