// SPDX-License-Identifier: Apache-2.0
//
// Whatever a stranger's package database holds, it is read or refused, in bounded memory, and never makes a tree that
// says something else than before but for the origins.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/contents.h"
#include "base/error.h"
#include "builder/pkgdb/attribute.h"
#include "builder/pkgdb/rpm_header.h"

using namespace smith;

namespace {

/// A tree of some files that have packages, with `bytes` as each of the databases in turn.
void attribute(const std::string& bytes, const char* database) {
    MemoryContents contents;
    FileTree tree;
    const Content empty = contents.put("");
    for (const char* path : {"/usr/bin/app", "/etc/app.conf", "/usr/lib64/libg.so.1", "/bin/busybox"}) {
        tree.put(ImagePath::parse(path), {Regular{false, empty}, "layer"});
    }
    tree.put(ImagePath::parse("/lib64"), {Symlink{"usr/lib64"}, "layer"});
    tree.put(ImagePath::parse("/var/lib/dpkg/info/app.list"), {Regular{false, contents.put("/lib64/libg.so.1\n")}, ""});
    tree.put(ImagePath::parse(database), {Regular{false, contents.put(bytes)}, "layer"});
    const std::string before = dump(tree);
    static_cast<void>(pkgdb::attribute_files(tree, contents, silent_reporter()));
    if (dump(tree) != before) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    for (const char* database : {"/var/lib/dpkg/status", "/var/lib/dpkg/status.d/app.md5sums", "/lib/apk/db/installed",
                                 "/var/lib/rpm/Packages"}) {
        attribute(bytes, database);
    }
    try {
        static_cast<void>(pkgdb::read_rpm_header(std::as_bytes(std::span(bytes))));
    } catch (const Error&) {
    }
    return 0;
}
