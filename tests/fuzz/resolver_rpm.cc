// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes packages, header and payload. Agreement: whatever is unpacked has the digest and size that the header says.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/content_store.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/rpm_package.h"

using namespace smith;
using namespace smith::resolver;

namespace {

struct TemporaryStore {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("smith-fuzz-" + std::to_string(getpid()));
    ContentStore store{path};
    ~TemporaryStore() {
        std::error_code error;
        std::filesystem::remove_all(path, error);
    }
};

const ContentStore& store() {
    static const TemporaryStore temporary;
    return temporary.store;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const UniqueFd fd(memfd_create("rpm", MFD_CLOEXEC));
    write_all(fd.get(), std::as_bytes(std::span(data, size)));
    const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
    try {
        const RpmHeader header = read_rpm_header(path, nullptr);
        PackWriter pack = store().write_pack(sha256("fuzz"));
        const auto contents = unpack_rpm(path, header, pack);
        for (std::size_t i = 0; i < contents.size(); ++i) {
            if (!contents[i]) continue;
            const RpmFile& file = header.files[i];
            if (contents[i]->size != file.size) std::abort();
            if (file.digest.algorithm == "sha256" && contents[i]->digest.hex() != file.digest.hex) std::abort();
        }
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format && e.kind() != ErrorKind::integrity) std::abort();
    }
    return 0;
}
