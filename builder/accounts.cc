// SPDX-License-Identifier: Apache-2.0
#include "builder/accounts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"

namespace smith::builder {

namespace {

constexpr std::uint32_t kDefaultId = 10;
constexpr std::string_view kDefaultName = "smith";
// (uid_t)-1 means "leave it as it is" to chown(2) and "nobody" to others; it is never a user.
constexpr std::uint32_t kLargestId = 4'294'967'294U;
// useradd(8): LOGIN_NAME_MAX less the NUL would be 255, but utmp cuts at 32.
constexpr std::size_t kMaxNameBytes = 32;

struct Known {
    std::string_view name;
    std::uint32_t id;
};

// The accounts that each of Oracle Smith's images with nss has.
constexpr std::array<Known, 4> kKnownUsers{{{"root", 0}, {"daemon", 1}, {"bin", 2}, {"sys", 3}}};
constexpr std::array<Known, 6> kKnownGroups{
    {{"root", 0}, {"daemon", 1}, {"bin", 2}, {"sys", 3}, {"adm", 4}, {"tty", 5}}};

template <typename List>
const Known* find_name(const List& list, std::string_view name) {
    const auto it = std::find_if(list.begin(), list.end(), [&](const Known& k) { return k.name == name; });
    return it == list.end() ? nullptr : &*it;
}

template <typename List>
const Known* find_id(const List& list, std::uint32_t id) {
    const auto it = std::find_if(list.begin(), list.end(), [&](const Known& k) { return k.id == id; });
    return it == list.end() ? nullptr : &*it;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The id that `text` spells; nothing when it doesn't begin with a digit. Throws Error (spec) for digits gone wrong.
std::optional<std::uint32_t> parse_id(std::string_view text) {
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    std::uint32_t id = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (end != text.data() + text.size()) {
        throw Error(ErrorKind::spec, quote(text) + " is neither an id nor a name: a name doesn't begin with a digit");
    }
    if (failed != std::errc() || id > kLargestId) {
        throw Error(ErrorKind::spec, "the id " + quote(text) + " is larger than " + std::to_string(kLargestId));
    }
    if (text.size() > 1 && text.front() == '0') {
        throw Error(ErrorKind::spec, "the id " + quote(text) +
                                         " begins with a zero, which is octal to some and decimal to others; "
                                         "write it without");
    }
    return id;
}

/// An id and its name, from one part of "u[:g]".
struct Account {
    std::uint32_t id = kDefaultId;
    std::string name{kDefaultName};
    bool by_name = false;
};

template <typename List>
Account account_of(std::string_view text, const List& known) {
    if (text.empty()) return {};
    if (const std::optional<std::uint32_t> id = parse_id(text)) {
        const Known* k = find_id(known, *id);
        return {*id, std::string(k != nullptr ? k->name : kDefaultName), false};
    }
    const Known* k = find_name(known, text);
    return {k != nullptr ? k->id : kDefaultId, std::string(text), true};
}

struct Group {
    std::string name;
    std::uint32_t id;
    bool has_user = false;
};

std::uint32_t next_free_id(const std::vector<Group>& groups, std::uint32_t after, std::string_view name) {
    for (std::uint32_t id = after; id < kLargestId;) {
        ++id;
        if (std::none_of(groups.begin(), groups.end(), [&](const Group& g) { return g.id == id; })) return id;
    }
    throw Error(ErrorKind::spec, "no id is left for the group " + quote(name) + " above " + std::to_string(after));
}

/// All groups of the image. Those of the spec count up from the user's own; one that is known keeps its id.
std::vector<Group> list_groups(const LocatedStrings& wanted, const Account& own) {
    std::vector<Group> out;
    for (const Known& known : kKnownGroups) out.push_back({std::string(known.name), known.id});
    if (find_id(kKnownGroups, own.id) == nullptr) out.push_back({own.name, own.id});
    std::uint32_t last = own.id;
    for (const Located<std::string>& name : wanted) {
        while_doing([&] { return name.at.str(); },
                    [&] {
                        check_account_name(name.value);
                        if (name.value == own.name) return;
                        const auto it =
                            std::find_if(out.begin(), out.end(), [&](const Group& g) { return g.name == name.value; });
                        if (it != out.end()) {
                            it->has_user = true;
                            return;
                        }
                        last = next_free_id(out, last, name.value);
                        out.push_back({name.value, last, true});
                    });
    }
    return out;
}

// The fields of passwd(5); an empty shell is /bin/sh, which the image most likely doesn't have.
std::string passwd_line(std::string_view name, std::uint32_t uid, std::uint32_t gid) {
    std::string out(name);
    out += ":x:" + std::to_string(uid) + ":" + std::to_string(gid) + ":";
    return out.append(name) + ":/write:\n";
}

std::string passwd_of(const Account& user, const Account& group) {
    std::string out;
    for (const Known& known : kKnownUsers) out += passwd_line(known.name, known.id, known.id);
    if (find_id(kKnownUsers, user.id) == nullptr) out += passwd_line(user.name, user.id, group.id);
    return out;
}

std::string group_file_of(const std::vector<Group>& groups, const Account& user) {
    std::string out;
    for (const Group& group : groups) {
        out += group.name + ":x:" + std::to_string(group.id) + ":" + (group.has_user ? user.name : "") + "\n";
    }
    return out;
}

constexpr std::string_view kNsswitch =
    "passwd:     files\n"
    "shadow:     files\n"
    "group:      files\n"
    "hosts:      files dns\n";

}  // namespace

void check_account_name(std::string_view name) {
    const auto refuse = [&](std::string_view why) {
        throw Error(ErrorKind::spec, quote(name) + " can't be the name of a user or group: " + std::string(why));
    };
    if (name.empty()) refuse("it is empty");
    if (name.size() > kMaxNameBytes) refuse("it is longer than " + std::to_string(kMaxNameBytes) + " bytes");
    if (!is_letter(name.front()) && name.front() != '_') refuse("it doesn't begin with a letter or '_'");
    for (const char c : name) {
        if (is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-') continue;
        refuse("only letters, digits, '_', '.' and '-' can be in it");
    }
}

UserSpelling parse_user(std::string_view text) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    UserSpelling out{std::string(text.substr(0, colon)), std::string(text.substr(std::min(colon + 1, text.size())))};
    for (const std::string& part : {out.user, out.group}) {
        if (part.empty() || parse_id(part)) continue;
        check_account_name(part);
    }
    return out;
}

Accounts make_accounts(const Spec& spec) {
    const UserSpelling spelling =
        while_doing([&] { return spec.user.at.str(); }, [&] { return parse_user(spec.user.value); });
    const Account user = account_of(spelling.user, kKnownUsers);
    const Account group = account_of(spelling.group, kKnownGroups);

    Accounts out;
    out.uid = user.id;
    out.gid = group.id;
    out.user = user.name;
    out.group = group.name;
    out.config_user = spec.root ? "0:0" : std::to_string(out.uid) + ":" + std::to_string(out.gid);

    const std::vector<Group> groups = list_groups(spec.groups, group);
    for (const Group& g : groups) {
        if (g.has_user) out.additional_gids.push_back(g.id);
    }
    std::sort(out.additional_gids.begin(), out.additional_gids.end());

    out.write_files = spec.nss || user.by_name || group.by_name || !spec.groups.empty();
    if (out.write_files) {
        out.passwd = passwd_of(user, group);
        out.group_file = group_file_of(groups, user);
        out.nsswitch = kNsswitch;
    }
    return out;
}

std::vector<std::pair<ImagePath, std::string>> account_files(const Accounts& accounts) {
    if (!accounts.write_files) return {};
    return {{ImagePath::parse("/etc/group"), accounts.group_file},
            {ImagePath::parse("/etc/nsswitch.conf"), accounts.nsswitch},
            {ImagePath::parse("/etc/passwd"), accounts.passwd}};
}

std::vector<std::string> nss_library_patterns() {
    // /lib64 of Fedora, /lib/x86_64-linux-gnu of Debian, /lib of musl and 32 bit; with and without a merged /usr.
    std::vector<std::string> out;
    for (const std::string_view prefix : {"", "/usr"}) {
        for (const std::string_view directory : {"/lib64", "/lib", "/lib/*-linux-gnu*"}) {
            for (const std::string_view service : {"compat", "dns", "files"}) {
                std::string pattern(prefix);
                pattern.append(directory).append("/libnss_").append(service).append(".so.*");
                out.push_back(std::move(pattern));
            }
        }
    }
    return out;
}

}  // namespace smith::builder
