// SPDX-License-Identifier: Apache-2.0
//
// Opens compressed layers and archives as they stream, in bounded memory and with a bound on how much they may grow.
#pragma once

#include <memory>

#include "ocilayout/byte_source.h"

namespace smith::ocilayout {

/// What `inner` holds, decompressed when it is gzip or zstd, as its first bytes say: media types of layers are wrong
/// often enough that containerd looks at the bytes too, and a wrong guess ends in a wrong diff_id. Reading to the end
/// reads `inner` to its end. Throws Error (format) for damaged or cut streams, for what follows them, for windows above
/// kMaxZstdWindowLog and for bombs (kMaxCompressionRatio).
[[nodiscard]] std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> inner);

/// True when decompressed() would do something. Takes the first bytes of `source`.
[[nodiscard]] bool is_compressed(ByteSource& source);

}  // namespace smith::ocilayout
