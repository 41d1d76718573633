// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/archive_file.h"

#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/output_file.h"
#include "ocilayout/gzip.h"

namespace smith::ocilayout {

namespace {

bool is_compressed_name(const std::filesystem::path& file) {
    return file.extension() == ".gz" || file.extension() == ".tgz";
}

}  // namespace

void write_archive_file(const std::filesystem::path& named, unsigned jobs,
                        const std::function<void(TarWriter&)>& write_members) {
    const std::filesystem::path file = output_file(named);
    std::error_code failed;
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
    if (failed) throw system_error(failed.value(), "creating " + quote(file.parent_path().string()));
    AtomicFile out(file);
    const Sink to_file = [&](std::span<const std::byte> bytes) { out.write(bytes); };
    if (is_compressed_name(named)) {
        GzipWriter gzip(jobs, to_file);
        TarWriter tar([&](std::span<const std::byte> bytes) { gzip.write(bytes); });
        write_members(tar);
        tar.finish();
        static_cast<void>(gzip.finish());
    } else {
        TarWriter tar(to_file);
        write_members(tar);
        tar.finish();
    }
    out.commit();
}

}  // namespace smith::ocilayout
