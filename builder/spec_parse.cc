// SPDX-License-Identifier: Apache-2.0
#include "builder/spec_parse.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "builder/accounts.h"
#include "builder/spec_fields.h"
#include "builder/spec_parts.h"
#include "resolver/rpm_url.h"

namespace smith::builder {

namespace {

using Kind = YamlNode::Kind;

/// The spec as it grows, and what decides about it only when all keys have been read.
struct Draft {
    Spec spec;
    std::optional<SourceType> type;
};

// -- package

bool names_an_archive(std::string_view name) {
    // As Oracle's Smith did: what stands before the tag, in "file.tgz:tag" or in "prefix:file.tgz:tag".
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t colon = std::min(name.find(':', at), name.size());
        parts.push_back(name.substr(at, colon - at));
        at = colon + 1;
    }
    const std::string_view file = parts.size() > 2 ? parts[parts.size() - 2] : parts.front();
    return file.ends_with(".tar") || file.ends_with(".tar.gz") || file.ends_with(".tgz");
}

bool names_an_image(std::string_view package) {
    if (resolver::is_rpm_url(package)) return false;
    constexpr std::array<std::string_view, 7> prefixes{
        "http://", "https://", "docker://", "oci:", "dir:", "oci-archive:", "docker-archive:"};
    const bool has_transport =
        std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return package.starts_with(p); });
    return has_transport || names_an_archive(package);
}

void read_package(Draft& d, const Field& f) {
    if (f.value.kind == Kind::list) {
        f.problem("is one name; write 'packages' for a list");
        return;
    }
    d.spec.packages.push_back(f.located_word());
}

void read_packages(Draft& d, const Field& f) {
    for (Located<std::string>& name : f.located_words()) d.spec.packages.push_back(std::move(name));
}

void read_type(Draft& d, const Field& f) {
    constexpr std::array<std::pair<std::string_view, SourceType>, 3> types{
        {{"mock", SourceType::packages}, {"oci", SourceType::image}, {"container", SourceType::image}}};
    const std::string name = f.text();
    for (const auto& [spelling, type] : types) {
        if (spelling == name) d.type = type;
    }
    if (!d.type) f.problem("must be mock or oci, not " + quote(name));
}

// -- what is kept

LocatedStrings read_globs(const Field& f) {
    LocatedStrings out = f.located_words();
    for (const Located<std::string>& glob : out) {
        for (std::size_t at = 0; at < glob.value.size();) {
            const std::size_t slash = std::min(glob.value.find('/', at), glob.value.size());
            if (glob.value.substr(at, slash - at) == "..") {
                f.in.problem(glob.at, "the path " + quote(glob.value) + " has a '..' component");
                break;
            }
            at = slash + 1;
        }
    }
    return out;
}

void read_arch(Draft& d, const Field& f) {
    // People mix these up daily: OCI has Go's names, and repositories have rpm's.
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> others{
        {{"amd64", "x86_64"}, {"arm64", "aarch64"}, {"386", "i686"}, {"x86-64", "x86_64"}}};
    d.spec.arch = f.word();
    for (const auto& [name, rpm_name] : others) {
        if (d.spec.arch == name) {
            f.problem("must be a name that rpm knows: " + quote(rpm_name) + " instead of " + quote(name));
            return;
        }
    }
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (d.spec.arch.find_first_not_of(allowed) != std::string::npos) {
        f.problem("must be a name that rpm knows, such as x86_64 or aarch64, not " + quote(d.spec.arch));
    }
}

// -- which packages there are

/// A part of a module's name: what libmodulemd lets through, less what would be a glob to dnf.
bool is_module_word(std::string_view text) {
    const auto is_odd = [](char c) {
        return c <= ' ' || c == 0x7f || std::string_view(":/*?[]@,").find(c) != std::string_view::npos;
    };
    return !text.empty() && std::none_of(text.begin(), text.end(), is_odd);
}

/// "nodejs:18", "nodejs"
bool is_module(std::string_view text) {
    const std::size_t colon = text.find(':');
    return is_module_word(text.substr(0, colon)) &&
           (colon == std::string_view::npos || is_module_word(text.substr(colon + 1)));
}

void read_modules(Draft& d, const Field& f) {
    f.each([&](const Field& item) {
        const Located<std::string> name = item.located_word();
        const bool is_off = name.value.starts_with('-');
        const std::string_view module = std::string_view(name.value).substr(is_off ? 1 : 0);
        if (!name.value.empty() && (!is_module(module) || (is_off && module.find(':') != std::string_view::npos))) {
            item.problem("must be a module and its stream, such as nodejs:18, or -nodejs for none of it, not " +
                         quote(name.value));
        }
        d.spec.modules.push_back(name);
    });
}

void read_platform(Draft& d, const Field& f) {
    d.spec.module_platform_id = f.word();
    const std::string_view id = d.spec.module_platform_id;
    if (!id.empty() && (!is_module(id) || id.find(':') == std::string_view::npos)) {
        f.problem("must be a platform, such as platform:el9, not " + quote(id));
    }
}

// -- how it runs

void read_user(Draft& d, const Field& f) {
    d.spec.user = {f.text(), f.at()};
    f.in.guard(f.value, [&] {
        static_cast<void>(while_doing([] { return "'user'"; }, [&] { return parse_user(d.spec.user.value); }));
    });
}

void read_groups(Draft& d, const Field& f) {
    d.spec.groups = f.located_words();
    for (const Located<std::string>& group : d.spec.groups) {
        if (group.value.empty()) continue;  // located_words() has said so
        try {
            check_account_name(group.value);
        } catch (const Error& e) {
            f.in.problem(group.at, e.message());
        }
    }
}

void read_mounts(Draft& d, const Field& f) {
    f.each_of_set([&](const Field& item) {
        const std::optional<ImagePath> path = item.path();
        if (path && path->is_root()) item.problem("can't be the root");
        if (path) d.spec.mounts.insert(*path);
    });
}

void read_dir(Draft& d, const Field& f) { d.spec.dir = f.path(); }

void read_env(Draft& d, const Field& f) {
    if (f.value.kind == Kind::map) {
        f.problem("must be a list, such as [TZ=UTC, LANG=C.UTF-8], not a map");
        return;
    }
    std::map<std::string, std::size_t, std::less<>> places;
    f.each([&](const Field& item) {
        const std::string text = item.word();
        const std::size_t equals = text.find('=');
        if (equals == 0 || equals == std::string::npos) {
            if (!text.empty()) item.problem("must be NAME=value, not " + quote(text));
            return;
        }
        const auto [it, is_new] = places.emplace(text.substr(0, equals), d.spec.env.size());
        if (is_new) {
            d.spec.env.push_back(text);
            return;
        }
        item.in.tolerated(item.value, quote(it->first) + " is set twice", "keeping the last");
        d.spec.env[it->second] = text;
    });
}

bool is_port(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view protocol = text.substr(slash);
    unsigned port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + slash, port);
    const bool is_number = slash != 0 && end == text.data() + slash && failed == std::errc() && text.front() != '0';
    return is_number && port <= 65535 &&
           (protocol.empty() || protocol == "/tcp" || protocol == "/udp" || protocol == "/sctp");
}

void read_ports(Draft& d, const Field& f) {
    f.each_of_set([&](const Field& item) {
        const std::string text = item.word();
        if (!text.empty() && !is_port(text)) {
            item.problem("must be a port such as 80/tcp or 53/udp, not " + quote(text));
        }
        d.spec.ports.insert(text);
    });
}

std::map<std::string, std::string> read_text_map(const Field& f) {
    std::map<std::string, std::string> out;
    if (!f.is_map()) return out;
    for (const YamlMember& member : f.value.members) {
        if (member.key.text.empty()) f.in.problem(member.key, quote(f.key) + " has an empty key");
        out[member.key.text] = Field{member.key.text, member.value, f.in}.text();
    }
    return out;
}

bool is_signal(std::string_view name) {
    // signal(7), as far as it is the same on every machine; SIGRTMIN and its like are counted from.
    constexpr std::array<std::string_view, 31> names{
        "SIGABRT", "SIGALRM", "SIGBUS",  "SIGCHLD", "SIGCONT",   "SIGFPE",   "SIGHUP",  "SIGILL",
        "SIGINT",  "SIGIO",   "SIGIOT",  "SIGKILL", "SIGPIPE",   "SIGPOLL",  "SIGPROF", "SIGPWR",
        "SIGQUIT", "SIGSEGV", "SIGSTOP", "SIGSYS",  "SIGTERM",   "SIGTRAP",  "SIGTSTP", "SIGTTIN",
        "SIGTTOU", "SIGURG",  "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU"};
    if (std::find(names.begin(), names.end(), name) != names.end() || name == "SIGXFSZ") return true;
    std::string_view number = name;
    unsigned largest = 64;
    for (const std::string_view base : {"SIGRTMIN+", "SIGRTMAX-"}) {
        if (!name.starts_with(base)) continue;
        number.remove_prefix(base.size());
        largest = 30;
    }
    if (name == "SIGRTMIN" || name == "SIGRTMAX") return true;
    unsigned value = 0;
    const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), value);
    return !number.empty() && end == number.data() + number.size() && failed == std::errc() && value >= 1 &&
           value <= largest && number.front() != '0';
}

void read_stop_signal(Draft& d, const Field& f) {
    d.spec.stop_signal = f.word();
    if (!d.spec.stop_signal.empty() && !is_signal(d.spec.stop_signal)) {
        f.problem("must be a signal such as SIGTERM, SIGRTMIN+3 or 15, not " + quote(d.spec.stop_signal));
    }
}

void read_schema(Draft&, const Field& f) {
    if (f.value.kind == Kind::scalar && !f.value.quoted && f.value.text == "1") return;
    f.problem("must be 1, the only one that this smith knows; a newer spec needs a newer smith");
}

// -- all of it

// In the order of docs/spec.md.
constexpr std::array<Key<Draft>, 33> kTopKeys{{
    {"schema", read_schema},
    {"type", read_type},
    {"package", read_package},
    {"packages", read_packages},
    {"repos", [](Draft& d, const Field& f) { d.spec.repos = read_repos(f); }},
    {"repo-files", [](Draft& d, const Field& f) { d.spec.repo_files = f.located_words(); }},
    {"arch", read_arch},
    {"releasever", [](Draft& d, const Field& f) { d.spec.releasever = f.word(); }},
    {"weak-dependencies", [](Draft& d, const Field& f) { d.spec.weak_dependencies = f.flag(); }},
    {"best", [](Draft& d, const Field& f) { d.spec.best = f.flag(); }},
    {"modules", read_modules},
    {"module-platform-id", read_platform},
    {"parent", [](Draft& d, const Field& f) { d.spec.parent = f.located_word(); }},
    {"mock", [](Draft& d, const Field& f) { d.spec.mock = read_mock(f); }},
    {"paths", [](Draft& d, const Field& f) { d.spec.paths = read_globs(f); }},
    {"excludes", [](Draft& d, const Field& f) { d.spec.excludes = read_globs(f); }},
    {"features", [](Draft& d, const Field& f) { d.spec.features = read_features(f); }},
    {"nss", [](Draft& d, const Field& f) { d.spec.nss = f.flag(); }},
    {"root", [](Draft& d, const Field& f) { d.spec.root = f.flag(); }},
    {"user", read_user},
    {"groups", read_groups},
    {"mounts", read_mounts},
    {"volumes", read_mounts},
    {"entrypoint", [](Draft& d, const Field& f) { d.spec.entrypoint = f.command(); }},
    {"cmd", [](Draft& d, const Field& f) { d.spec.cmd = f.command(); }},
    {"dir", read_dir},
    {"env", read_env},
    {"ports", read_ports},
    {"labels", [](Draft& d, const Field& f) { d.spec.labels = read_text_map(f); }},
    {"annotations", [](Draft& d, const Field& f) { d.spec.annotations = read_text_map(f); }},
    {"stop-signal", read_stop_signal},
    {"healthcheck", [](Draft& d, const Field& f) { d.spec.healthcheck = read_healthcheck(f); }},
    {"test", [](Draft& d, const Field& f) { d.spec.tests = read_test_steps(f); }},
}};

void check_rpm_urls(const LocatedStrings& packages, SpecReading& in) {
    for (const Located<std::string>& package : packages) {
        if (!resolver::is_rpm_url(package.value)) continue;
        try {
            static_cast<void>(resolver::parse_rpm_url(package.value));
        } catch (const Error& e) {
            in.problem(package.at, e.message());
        }
    }
}

void check_packages(Draft& d, const YamlNode& root, SpecReading& in) {
    LocatedStrings& packages = d.spec.packages;
    check_rpm_urls(packages, in);
    check_rpm_urls(d.spec.mock.deps, in);
    const YamlNode* package = root.find("package");
    if (package != nullptr && root.find("packages") != nullptr) {
        in.problem(*package, "'package' and 'packages' are both given; one list will do");
    }
    if (packages.empty() && root.find("packages") == nullptr && !d.spec.parent && package == nullptr) {
        if (in.dialect() == Dialect::schema1) {
            in.problem(root, "no 'package' is named; write 'packages: []' for an image of nothing but an overlay");
        }
    }
    const auto image = std::find_if(packages.begin(), packages.end(),
                                    [](const Located<std::string>& p) { return names_an_image(p.value); });
    const bool has_image = image != packages.end();
    d.spec.type = d.type.value_or(has_image ? SourceType::image : SourceType::packages);
    if (d.spec.type != SourceType::image || packages.size() == 1) return;
    if (has_image) {
        in.problem(image->at, quote(image->value) + " is an image, which stands alone; there are other packages");
    } else {
        in.problem(*root.find("type"), "'type: oci' needs one 'package': the image");
    }
}

/// `ready: {http: /}` means a port of `ports`, wherever in the spec these stand; or one that an image brings.
void check_tests(const Spec& spec, SpecReading& in) {
    if (spec.type == SourceType::image || spec.parent) return;
    const bool has_tcp = std::any_of(spec.ports.begin(), spec.ports.end(), [](const std::string& port) {
        return port.find('/') == std::string::npos || port.ends_with("/tcp");
    });
    for (const TestStep& step : spec.tests) {
        const auto* start = std::get_if<StartStep>(&step.what);
        if (start == nullptr || !start->ready) continue;
        const auto* http = std::get_if<ReadyHttp>(&*start->ready);
        if (http == nullptr || http->port || has_tcp) continue;
        in.problem(step.at, "'http' needs a 'port', as the spec has no TCP port in 'ports'");
    }
}

}  // namespace

Spec parse_spec(std::string_view text, const std::string& file, Reporter& reporter) {
    const YamlNode root = read_yaml(text, file);
    const Dialect dialect = root.find("schema") != nullptr ? Dialect::schema1 : Dialect::oracle;
    SpecReading in(file, dialect, reporter);
    Draft draft;
    draft.spec.dialect = dialect;
    if (root.kind == Kind::map) {
        read_members<Draft>(Field{"the spec", root, in}, kTopKeys, draft, true);
        check_packages(draft, root, in);
        check_tests(draft.spec, in);
    } else {
        in.problem(root, "a spec is a map of keys, such as 'package: nginx', not " + std::string(root.kind_name()));
    }
    in.finish();
    return std::move(draft.spec);
}

Spec load_spec(const std::filesystem::path& file, Reporter& reporter) {
    std::error_code none;
    if (std::filesystem::is_directory(file, none)) {
        throw Error(ErrorKind::spec, quote(file.string()) + " is a directory; name the spec in it, such as " +
                                         quote((file / "smith.yaml").string()));
    }
    std::string text;
    try {
        text = read_file(file, limits::kMaxSpecBytes);
    } catch (const Error& e) {
        throw Error(ErrorKind::spec, e.message());
    }
    return parse_spec(text, file.string(), reporter);
}

}  // namespace smith::builder
