// SPDX-License-Identifier: Apache-2.0
#include "builder/image_user.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/bounds.h"
#include "base/error.h"
#include "base/split.h"
#include "runtime/user_string.h"

namespace smith::builder {

namespace {

using runtime::parse_id;

// The largest honest /etc/passwd belongs to a university, and is not in an image.
constexpr std::uint64_t kMaxAccountFileBytes = 1 * limits::kMiB;

/// The lines of a colon-separated file of the image that have at least `fields` fields.
class AccountFile {
public:
    AccountFile(std::string_view path, std::size_t fields, const FileTree& tree, const Contents& contents) {
        const Regular* file = as_regular(tree.resolve(ImagePath::parse(path)).entry);
        if (file == nullptr || file->content.size > kMaxAccountFileBytes) return;
        bytes_ = contents.open(file->content);
        const std::string_view text(reinterpret_cast<const char*>(bytes_.view().data()), bytes_.size());
        for (const std::string_view line : split(text, '\n')) {
            std::vector<std::string_view> parts = split(line, ':');
            if (parts.size() >= fields) lines_.push_back(std::move(parts));
        }
    }

    [[nodiscard]] const std::vector<std::vector<std::string_view>>& lines() const { return lines_; }

    /// The line whose field `index` is `value`.
    [[nodiscard]] const std::vector<std::string_view>* find(std::size_t index, std::string_view value) const {
        const auto it = std::ranges::find_if(lines_, [&](const auto& line) { return line[index] == value; });
        return it == lines_.end() ? nullptr : &*it;
    }

private:
    Bytes bytes_;
    std::vector<std::vector<std::string_view>> lines_;
};

constexpr std::size_t kName = 0;
constexpr std::size_t kId = 2;
constexpr std::size_t kPasswdGid = 3;
constexpr std::size_t kPasswdHome = 5;
constexpr std::size_t kGroupMembers = 3;

[[noreturn]] void unknown(const char* what, std::string_view name) {
    throw Error(ErrorKind::spec, std::string("the image is to run as ") + what + " " + quote(name) +
                                     ", which its own accounts do not have");
}

}  // namespace

ImageUser resolve_user(std::string_view user, const FileTree& tree, const Contents& contents) {
    const AccountFile passwd("/etc/passwd", 4, tree, contents);
    const AccountFile group("/etc/group", 3, tree, contents);
    const std::size_t colon = user.find(':');
    const std::string_view user_part = colon == 0 || user.empty() ? "0" : user.substr(0, colon);
    const std::string_view group_part = colon == std::string_view::npos ? "" : user.substr(colon + 1);

    ImageUser out;
    const auto* account = passwd.find(kName, user_part);
    if (const auto id = parse_id(user_part)) {
        out.uid = *id;
        account = passwd.find(kId, user_part);
    } else if (account != nullptr && parse_id((*account)[kId])) {
        out.uid = *parse_id((*account)[kId]);
    } else {
        unknown("user", user_part);
    }

    if (account != nullptr && account->size() > kPasswdHome && (*account)[kPasswdHome].starts_with('/')) {
        out.home = (*account)[kPasswdHome];
    }
    if (!group_part.empty()) {
        const auto* line = group.find(kName, group_part);
        const auto id = parse_id(group_part);
        const auto named = line != nullptr ? parse_id((*line)[kId]) : std::nullopt;
        if (!id && !named) unknown("group", group_part);
        out.gid = id ? *id : *named;
        // A group that was asked for explicitly is the only one, as docker has it.
        return out;
    }
    if (account != nullptr) {
        out.gid = parse_id((*account)[kPasswdGid]).value_or(0);
        std::set<std::uint32_t> groups;
        for (const auto& line : group.lines()) {
            if (line.size() <= kGroupMembers) continue;
            const std::vector<std::string_view> members = split(line[kGroupMembers], ',');
            const auto id = parse_id(line[kId]);
            if (id && std::ranges::find(members, (*account)[kName]) != members.end()) groups.insert(*id);
        }
        groups.erase(out.gid);
        out.additional_gids.assign(groups.begin(), groups.end());
    }
    return out;
}

}  // namespace smith::builder
