// SPDX-License-Identifier: Apache-2.0
#include "builder/pkgdb/attribute.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "builder/pkgdb/bounds.h"
#include "builder/pkgdb/rpm_header.h"
#include "builder/pkgdb/rpmdb.h"
#include "builder/pkgdb/text_databases.h"

namespace smith::pkgdb {

namespace {

class Attributor {
public:
    Attributor(FileTree& tree, const Contents& contents, Reporter& reporter)
        : tree_(tree), contents_(contents), reporter_(reporter) {}

    std::vector<Package> run() {
        read("dpkg database", [&] { read_dpkg(); });
        read("dpkg database", [&] { read_status_d(); });
        for (const char* path : {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}) {
            if (packages_.empty()) read("apk database", [&] { read_apk(path); });
        }
        for (const char* directory : {"/usr/lib/sysimage/rpm", "/var/lib/rpm"}) {
            for (const char* name : {"/rpmdb.sqlite", "/Packages.db", "/Packages"}) {
                if (!has_rpms_) read("rpm database", [&] { read_rpms(std::string(directory) + name); });
            }
        }
        return std::move(packages_);
    }

private:
    template <typename Body>
    void read(const char* what, Body&& body) {
        try {
            body();
        } catch (const Error& e) {
            // Integrity is the cache's damage, which the caller repairs.
            if (e.kind() != ErrorKind::format) throw;
            reporter_.warn("the image's " + std::string(what) + " can't be read to its end: " + e.message() +
                           ", ignoring the rest");
        }
    }

    [[nodiscard]] std::optional<Bytes> bytes_at(const std::string& path) const {
        const Regular* file = as_regular(tree_.resolve(ImagePath::parse(path)).entry);
        if (file == nullptr) return std::nullopt;
        if (file->content.size > limits::kMaxDatabaseBytes) throw Error(ErrorKind::format, "it is too large");
        return contents_.open(file->content);
    }

    static std::string_view text_of(const Bytes& bytes) {
        return {reinterpret_cast<const char*>(bytes.view().data()), bytes.size()};
    }

    void read_dpkg() {
        const std::optional<Bytes> status = bytes_at("/var/lib/dpkg/status");
        if (!status) return;
        for (DpkgEntry& entry : read_dpkg_status(text_of(*status), false)) {
            if (!entry.is_installed || entry.package.name.find('/') != std::string::npos) continue;
            const std::string base = "/var/lib/dpkg/info/" + entry.package.name;
            std::optional<Bytes> list;
            if (entry.is_multi_arch_same) list = list_at(base + ":" + entry.package.arch + ".list");
            if (!list) list = list_at(base + ".list");
            if (list) entry.package.files = read_dpkg_list(text_of(*list));
            add(std::move(entry.package));
        }
    }

    [[nodiscard]] std::optional<Bytes> list_at(const std::string& path) const {
        try {
            return bytes_at(path);
        } catch (const Error& e) {
            // A package whose name is no name of a file.
            if (e.kind() == ErrorKind::format) return std::nullopt;
            throw;
        }
    }

    /// Of distroless: a file for each package, and its checksums beside it.
    void read_status_d() {
        const ImagePath directory = tree_.resolve(ImagePath::parse("/var/lib/dpkg/status.d")).path;
        for (const ImagePath& path : tree_.children(directory)) {
            if (path.str().ends_with(".md5sums")) continue;
            const std::optional<Bytes> status = bytes_at(path.str());
            if (!status) continue;
            for (DpkgEntry& entry : read_dpkg_status(text_of(*status), true)) {
                if (const auto sums = list_at(path.str() + ".md5sums")) {
                    entry.package.files = read_dpkg_md5sums(text_of(*sums));
                }
                add(std::move(entry.package));
            }
        }
    }

    void read_apk(const char* path) {
        const std::optional<Bytes> installed = bytes_at(path);
        if (installed) read_apk_installed(text_of(*installed), [&](Package&& package) { add(std::move(package)); });
    }

    void read_rpms(const std::string& path) {
        const std::optional<Bytes> database = bytes_at(path);
        if (!database || database->size() == 0) return;
        has_rpms_ = true;
        const std::optional<Bytes> journal = bytes_at(path + "-wal");
        if (journal && journal->size() > 0) {
            reporter_.warn(quote(path + "-wal") + " holds changes that are not looked at, ignoring");
        }
        read_rpmdb(database->view(), [&](std::span<const std::byte> header) {
            Package package = read_rpm_header(header);
            // Keys of repositories are kept as if they were packages.
            if (package.name != "gpg-pubkey") add(std::move(package));
        });
    }

    void add(Package&& package) {
        if (packages_.size() >= limits::kMaxImagePackages) throw Error(ErrorKind::format, "too many packages");
        const std::string id = package.id();
        const std::vector<std::string> files = std::exchange(package.files, {});
        for (std::size_t i = 0; i < files.size(); ++i) {
            // A list that goes on below it means a directory, also where this image has a link (a merged /usr).
            const bool is_directory = i + 1 < files.size() && files[i + 1].starts_with(files[i] + "/");
            if (!is_directory) claim(files[i], id);
        }
        packages_.push_back(std::move(package));
    }

    void claim(const std::string& file, const std::string& id) {
        const std::size_t slash = file.rfind('/');
        if (slash == std::string::npos || slash + 1 == file.size()) return;
        const ImagePath* directory = real_directory(file.substr(0, slash));
        const std::string_view name = std::string_view(file).substr(slash + 1);
        if (directory == nullptr || name == "." || name == ".." || name.size() > limits::kMaxNameBytes) return;
        if (directory->str().size() + 1 + name.size() > limits::kMaxPathBytes) return;
        const ImagePath path = directory->child(name);
        const Entry* entry = tree_.find(path);
        if (entry == nullptr || is_directory(entry)) return;
        Entry owned = *entry;
        owned.origin = id;
        tree_.put(path, std::move(owned));
    }

    /// Null for what is no directory here.
    const ImagePath* real_directory(const std::string& text) {
        const auto [it, is_new] = directories_.try_emplace(text);
        if (is_new) {
            try {
                const Resolution found = tree_.resolve(ImagePath::parse(text));
                if (is_directory(found.entry)) it->second = found.path;
            } catch (const Error&) {
                // A name that no image can have.
            }
        }
        return it->second ? &*it->second : nullptr;
    }

    FileTree& tree_;
    const Contents& contents_;
    Reporter& reporter_;
    std::vector<Package> packages_;
    bool has_rpms_ = false;
    std::unordered_map<std::string, std::optional<ImagePath>> directories_;
};

}  // namespace

std::string Package::id() const {
    switch (kind) {
        case PackageKind::deb: return name + "_" + version + (arch.empty() ? "" : "_" + arch);
        case PackageKind::apk: return name + "-" + version;
        case PackageKind::rpm: break;
    }
    return name + "-" + (epoch.empty() ? "" : epoch + ":") + version + "-" + release + (arch.empty() ? "" : "." + arch);
}

const char* kind_name(PackageKind kind) {
    switch (kind) {
        case PackageKind::deb: return "deb";
        case PackageKind::apk: return "apk";
        case PackageKind::rpm: break;
    }
    return "rpm";
}

std::vector<Package> attribute_files(FileTree& tree, const Contents& contents, Reporter& reporter) {
    return Attributor(tree, contents, reporter).run();
}

}  // namespace smith::pkgdb
