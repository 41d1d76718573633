// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layer_rules.h"

#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/image_path.h"
#include "ocilayout/tar_reader.h"

namespace smith::ocilayout {

namespace {

constexpr std::size_t kMostFaults = 24;
constexpr std::array<std::string_view, 6> kDirectories = {"dev", "proc", "read", "run", "sys", "write"};

/// "10:10" as numbers; nothing where the configuration has names or no user at all.
std::optional<std::pair<std::uint64_t, std::uint64_t>> owner_of(const std::string& user) {
    const std::size_t colon = user.find(':');
    if (colon == std::string::npos) return std::nullopt;
    std::pair<std::uint64_t, std::uint64_t> out;
    const auto parse = [](std::string_view text, std::uint64_t& to) {
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), to);
        return failed == std::errc() && end == text.data() + text.size();
    };
    if (!parse(std::string_view(user).substr(0, colon), out.first)) return std::nullopt;
    if (!parse(std::string_view(user).substr(colon + 1), out.second)) return std::nullopt;
    return out;
}

std::string octal(unsigned mode) {
    std::array<char, 8> digits{};
    const auto [end, failed] = std::to_chars(digits.data(), digits.data() + digits.size(), mode, 8);
    static_cast<void>(failed);
    return "0" + std::string(digits.data(), end);
}

std::string_view name_of(TarKind kind) {
    switch (kind) {
        case TarKind::directory: return "a directory";
        case TarKind::regular: return "a file";
        case TarKind::symlink: return "a link";
        case TarKind::hard_link: return "a hard link";
        case TarKind::character_device:
        case TarKind::block_device: return "a device";
        case TarKind::fifo: return "a fifo";
    }
    return "something else";
}

class Rules {
public:
    explicit Rules(const ImageConfig& config) : owner_(owner_of(config.user)) {}

    void check(const TarEntry& entry) {
        const std::string what = "entry " + quote(entry.name);
        check_kind(what, entry);
        check_mode(what, entry);
        const ImagePath path = ImagePath::parse(entry.name);
        if (!(last_ < path) && !seen_.empty()) fault(what, "behind " + quote(last_.str()), "before it");
        last_ = path;
        seen_.insert(path);
        if (!owner_) owner_ = {entry.uid, entry.gid};
        if (entry.uid != owner_->first || entry.gid != owner_->second) {
            fault(what + ", owner", std::to_string(owner_->first) + ":" + std::to_string(owner_->second),
                  std::to_string(entry.uid) + ":" + std::to_string(entry.gid));
        }
        if (!entry.xattrs.empty()) fault(what, "no extended attributes", quote(entry.xattrs.front()));
    }

    std::vector<LayerFault> finish() {
        for (const std::string_view directory : kDirectories) {
            if (!seen_.contains(ImagePath::parse(directory)))
                fault("/" + std::string(directory), "a directory", "nothing");
        }
        return std::move(faults_);
    }

    [[nodiscard]] bool has_enough() const { return faults_.size() >= kMostFaults; }

private:
    void fault(std::string what, std::string want, std::string got) {
        if (!has_enough()) faults_.push_back({std::move(what), std::move(want), std::move(got)});
    }

    void check_kind(const std::string& what, const TarEntry& entry) {
        const bool may_be = entry.kind == TarKind::directory || entry.kind == TarKind::regular ||
                            entry.kind == TarKind::symlink || entry.kind == TarKind::hard_link;
        if (!may_be) fault(what, "a directory, a file or a link", std::string(name_of(entry.kind)));
    }

    void check_mode(const std::string& what, const TarEntry& entry) {
        const unsigned mode = entry.mode;
        const bool is_link = entry.kind == TarKind::symlink;
        const bool is_right = is_link                            ? mode == 0777
                              : entry.kind == TarKind::directory ? mode == 0755
                                                                 : mode == 0755 || mode == 0644;
        const std::string want = is_link ? "0777" : entry.kind == TarKind::directory ? "0755" : "0755 or 0644";
        if (!is_right) fault(what + ", mode", want, octal(mode));
    }

    std::optional<std::pair<std::uint64_t, std::uint64_t>> owner_;
    ImagePath last_;
    std::set<ImagePath> seen_;
    std::vector<LayerFault> faults_;
};

}  // namespace

std::vector<LayerFault> find_layer_faults(ByteSource& tar, const ImageConfig& config) {
    Rules rules(config);
    TarReader reader(tar);
    TarEntry entry;
    while (!rules.has_enough() && reader.next(entry)) rules.check(entry);
    return rules.finish();
}

}  // namespace smith::ocilayout
