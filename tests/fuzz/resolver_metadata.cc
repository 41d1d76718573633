// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the XML of a repository: each input is read as primary.xml by libsolv, as filelists.xml, comps.xml and
// updateinfo.xml by our readers. Agreement: what is told of it is what was asked for.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "resolver/comps.h"
#include "resolver/file_lists.h"
#include "resolver/package_pool.h"
#include "resolver/updateinfo.h"

// libsolvext's headers leave this to C++.
extern "C" {
#include <solv/repo_rpmmd.h>
}

using namespace smith;
using namespace smith::resolver;

namespace {

/// One file, written anew for each input: a MetadataStream reads files.
const std::filesystem::path& scratch_file() {
    static const std::filesystem::path file = [] {
        std::string folder = (std::filesystem::temp_directory_path() / "fuzz-metadata-XXXXXX").string();
        if (mkdtemp(folder.data()) == nullptr) std::abort();
        return std::filesystem::path(folder) / "metadata.xml";
    }();
    return file;
}

void read_as(const std::function<void(MetadataStream&)>& read) {
    try {
        RepomdRecord record;
        record.location = "metadata.xml";
        MetadataStream stream(scratch_file(), record);
        read(stream);
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format) std::abort();
    }
}

void read_primary(MetadataStream& stream) {
    const SolvPool pool(pool_create());
    pool_setdisttype(pool.get(), DISTTYPE_RPM);
    pool_setarch(pool.get(), "x86_64");
    ::Repo* repo = repo_create(pool.get(), "fuzz");
    const int failed = repo_add_rpmmd(repo, stream.as_file(), nullptr, 0);
    stream.finish();
    if (failed != 0) return;
    pool_addfileprovides(pool.get());
    pool_createwhatprovides(pool.get());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::ofstream(scratch_file(), std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    read_as(read_primary);
    read_as([](MetadataStream& stream) {
        WantedFiles wanted;
        wanted.paths.insert("/usr/bin/app");
        wanted.globs.emplace_back("/etc/*");
        for (const FileOwner& owner : find_files(stream, wanted)) {
            if (!wanted.contains(owner.path)) std::abort();
        }
    });
    read_as([](MetadataStream& stream) {
        Comps comps;
        read_comps(stream, "x86_64", comps);
        for (const Group& group : comps.groups) {
            if (comps.find(group.id) != &group) std::abort();
        }
    });
    read_as([](MetadataStream& stream) {
        for (const Advisory& advisory : find_advisories(stream, {"app"})) {
            for (const Nevra& package : advisory.packages) {
                if (package.name != "app") std::abort();
            }
        }
    });
    return 0;
}
