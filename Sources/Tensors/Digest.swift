import CCrypto

/// A SHA-256 digest over bytes added in sequence.
package struct Digest: ~Copyable {
  private let context: OpaquePointer

  package init() {
    context = EVP_MD_CTX_new()
    precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1)
  }

  deinit { EVP_MD_CTX_free(context) }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1)
  }

  package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of everything added, in hexadecimal; nothing may be added afterwards.
  package consuming func finish() -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    precondition(EVP_DigestFinal_ex(context, &bytes, nil) == 1)
    return bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// The digest of a region, in hexadecimal.
  package static func sha256(_ region: ByteRegion) -> String {
    var digest = Digest()
    digest.update(region.bytes)
    return digest.finish()
  }
}
