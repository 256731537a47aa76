import Execution
import GraphIR
import Planning
import Statistics
import Tensors

/// Compares data with those that a model was calibrated on, at points of the original.
struct DomainShiftCheck {
  let original: LoadedModel
  let samples: SampleSet
  let machine: Machine

  /// What is known of the calibration data at one point.
  struct Reference: Sendable {
    var name: String
    var profile: SampleProfile
    var heldDistance: Double
  }

  /// The shift at the point where it is worst; `nil` where no point tells.
  ///
  /// - Throws: `Failure` where the original has no such points.
  func worst(
    of references: [Reference], extents: [String: Int], path: String
  ) throws(Failure) -> DomainShiftReport? {
    guard !references.isEmpty else { return nil }
    let structure = try ModelStructure(original, extents: extents, samples: samples)
    let streams = try references.map { reference throws(Failure) in
      let stream = structure.streams.first { stream in
        stream.width == reference.profile.width
          && stream.points.contains { structure.model.graph[$0].name == reference.name }
      }
      guard let stream else {
        throw Failure(
          .malformedInput,
          "\(path): '\(reference.name)' of width \(reference.profile.width) is no point of a "
            + "residual stream of \(original.path)")
      }
      return stream
    }
    let profiles = try profiles(references, streams, structure)
    var worst: (name: String, shift: DomainShift)?
    for (reference, profile) in zip(references, profiles) {
      guard
        let shift = DomainShift(profile, from: reference.profile, held: reference.heldDistance)
      else { continue }
      if worst.map({ $0.shift < shift }) ?? true { worst = (reference.name, shift) }
    }
    return worst.map { name, shift in
      DomainShiftReport(
        distance: shift.distance, limit: shift.limit, exceeded: shift.isExceeded, point: name)
    }
  }

  private func profiles(
    _ references: [Reference], _ streams: [ResidualStream], _ structure: ModelStructure
  ) throws(Failure) -> [SampleProfile] {
    let batching = try Batching(
      structure, samples, try original.inputs, options: options, path: original.path)
    let all = samples.all
    let graph = structure.model.graph
    let streams = streams.map { stream in
      var stream = stream
      if !samples.masks(by: stream.mask.map { graph[$0].name }, batching) { stream.mask = nil }
      return stream
    }
    var result = references.map { SampleProfile(width: $0.profile.width) }
    do {
      let executor = try Executor(
        model: structure.model, fetches: Array(Set(references.map(\.name))).sorted(),
        options: options)
      try batching.forEachBatch(
        of: all, executor,
        work: { batch, range in
          zip(references, streams).map { reference, stream -> [[[Double]]] in
            let value = batch.fetches[reference.name]!
            let values = StreamBatch(
              stream: stream, points: [0], values: [value],
              mask: stream.maskValues(
                in: batch.feeds, of: graph, rows: value.shape.first ?? 0), outliers: nil)
            return values.rows().figures(
              width: stream.width, samples: batching.separableSamples(in: range))
          }
        },
        merge: { figures in
          for index in figures.indices { result[index].add(figures[index][0]) }
        })
    } catch let error as ExecutionError {
      throw Failure(error, in: original.path, on: samples)
    } catch { throw Failure(.internalFault, "\(original.path): \(error)") }
    return result
  }

  private var options: ExecutionOptions {
    ExecutionOptions(threads: machine.threads, maximumBytes: machine.maximumBytes)
  }
}

extension CalibrationSignature {
  var references: [DomainShiftCheck.Reference] {
    points.map {
      DomainShiftCheck.Reference(name: $0.name, profile: $0.profile, heldDistance: $0.heldDistance)
    }
  }
}

extension StatisticsFile {
  /// All points that were observed.
  var references: [DomainShiftCheck.Reference] {
    header.streams.indices.flatMap { stream in
      points(ofStream: stream).compactMap { point in
        profiles(of: point, stream: stream).map { profiles in
          DomainShiftCheck.Reference(
            name: header.streams[stream].points[point], profile: profiles.fit,
            heldDistance: profiles.heldDistance)
        }
      }
    }
  }
}

extension Verification {
  /// How far the data are from those that `b` was calibrated on, as it or a statistics file tells; says
  /// so where they are far, and why where it cannot be told.
  func domainShift(
    _ first: LoadedModel, _ second: LoadedModel, _ samples: SampleSet, _ diagnostics: Diagnostics,
    statistics: StatisticsFile?
  ) throws(Failure) -> DomainShiftReport? {
    guard
      let (references, path) = try references(first, second, diagnostics, statistics: statistics)
    else { return nil }
    let check = DomainShiftCheck(original: first, samples: samples, machine: machine)
    let report = try check.worst(
      of: references, extents: try parseExtents(data.dimensions), path: path)
    if let report, report.exceeded {
      diagnostics.note(
        "\(samples.source): far from the data \(path) was made with: a distance of "
          + "\(significant(report.distance)) at '\(report.point)', expected at most "
          + "\(significant(report.limit)); what was measured there says little of these")
    }
    return report
  }

  private func references(
    _ first: LoadedModel, _ second: LoadedModel, _ diagnostics: Diagnostics,
    statistics: StatisticsFile?
  ) throws(Failure) -> (references: [DomainShiftCheck.Reference], path: String)? {
    if let statistics { return (statistics.references, statistics.path) }
    let metadata = second.model.metadata
    func entry(_ key: String) -> String? { metadata.first { $0.key == key }?.value }
    guard let text = entry(ProvenanceKey.calibration) else { return nil }
    guard entry(ProvenanceKey.source) == first.digest() else {
      diagnostics.note(
        "\(b): made from another model than \(a), so how near the data are to its calibration is "
          + "not looked at")
      return nil
    }
    do throws(PlanError) {
      return (try CalibrationSignature(json: Array(text.utf8)).references, b)
    } catch {
      throw Failure(.malformedInput, "\(b): metadata '\(ProvenanceKey.calibration)': \(error)")
    }
  }
}

/// Three digits of a number, for a note.
private func significant(_ number: Double) -> String {
  guard number.isFinite, abs(number) < 1e6 else { return "\(number)" }
  let scale = abs(number) < 10 ? 100.0 : 1
  let rounded = (number * scale).rounded() / scale
  return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}
