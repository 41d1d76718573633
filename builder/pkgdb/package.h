// SPDX-License-Identifier: Apache-2.0
//
// A package that an image says is installed in it, as dpkg, apk or rpm wrote it down. What it says is a stranger's
// word: it names files for people, and decides nothing about what ships.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace smith::pkgdb {

enum class PackageKind { deb, apk, rpm };

struct Package {
    PackageKind kind = PackageKind::deb;
    std::string name;
    std::string version;  ///< all of it: "1:2.3-4" of a deb, "1.36.1-r5" of an apk; of an rpm without the release
    std::string release;  ///< of an rpm
    std::string epoch;    ///< of an rpm, where it is not 0
    std::string arch;     ///< in the words of its own tools; empty where it is not said
    std::string source;   ///< what it was built from; empty where that has the same name
    std::string license;
    std::string vendor;
    /// Of files, and of directories where the database does not tell them apart. As it spells them; absolute.
    std::vector<std::string> files;

    /// As its own tools call it: "nginx_1.22.1-9_amd64", "busybox-1.36.1-r5", "bash-5.1.8-6.el9.x86_64".
    [[nodiscard]] std::string id() const;
};

using FoundPackage = std::function<void(Package&&)>;

/// "deb", "apk", "rpm"
[[nodiscard]] const char* kind_name(PackageKind kind);

}  // namespace smith::pkgdb
