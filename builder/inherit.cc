// SPDX-License-Identifier: Apache-2.0
#include "builder/inherit.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "base/error.h"
#include "builder/elf/script.h"
#include "builder/image_user.h"

namespace smith::builder {

namespace {

std::string_view name_of(std::string_view assignment) { return assignment.substr(0, assignment.find('=')); }

/// Of both, those of `own` counting more, those of `from` first.
std::vector<std::string> merged_env(const std::vector<std::string>& own, const std::vector<std::string>& from) {
    std::vector<std::string> out;
    for (const std::string& assignment : from) {
        const bool is_set = assignment.find('=') != std::string::npos && assignment.front() != '=';
        const bool is_replaced =
            std::ranges::any_of(own, [&](const std::string& o) { return name_of(o) == name_of(assignment); });
        if (is_set && !is_replaced) out.push_back(assignment);
    }
    out.insert(out.end(), own.begin(), own.end());
    return out;
}

/// A directory of the image's configuration; nothing for one that is none, or the root.
std::optional<ImagePath> directory_of(const std::string& text) {
    try {
        const ImagePath path = ImagePath::parse_lexically(text, ImagePath());
        if (!path.is_root()) return path;
    } catch (const Error&) {
        // Some builders write what they were given.
    }
    return std::nullopt;
}

void inherit_user(Spec& spec, const ocilayout::ImageConfig& from, const FileTree& tree, const Contents& contents,
                  Reporter& reporter) {
    if (!spec.user.value.empty() || spec.root) return;
    ImageUser user;
    try {
        user = resolve_user(from.user, tree, contents);
    } catch (const Error& e) {
        reporter.warn("the source image's user is no help: " + e.message() + ", ignoring");
        return;
    }
    if (user.uid == 0) {
        reporter.debug("the source image runs as root; this one does not ('root: true' makes it)");
        return;
    }
    spec.user.value = std::to_string(user.uid) + ":" + std::to_string(user.gid);
}

/// The directories of PATH in `env`.
std::vector<std::string> path_of(const std::vector<std::string>& env) {
    std::string value(elf::kDefaultPath);
    for (const std::string& assignment : env) {
        if (assignment.starts_with("PATH=")) value = assignment.substr(5);
    }
    std::vector<std::string> out;
    std::istringstream in(value);
    for (std::string directory; std::getline(in, directory, ':');) out.push_back(directory);
    return out;
}

const Regular* file_at(const FileTree& tree, const ImagePath& path) { return as_regular(tree.resolve(path).entry); }

/// Finds what words of a command mean in an image.
class CommandReader {
public:
    CommandReader(const Spec& spec, const FileTree& tree) : tree_(tree), path_(path_of(spec.env)) {
        if (spec.dir) dir_ = *spec.dir;
    }

    /// The program that execvp(3) would start.
    [[nodiscard]] std::optional<ImagePath> program(const std::string& word) const {
        if (word.find('/') != std::string::npos) return file(word, true);
        for (const std::string& directory : path_) {
            if (word.empty() || !directory.starts_with('/')) continue;
            if (std::optional<ImagePath> found = file(directory + "/" + word, true)) return found;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<ImagePath> file(const std::string& word, bool executable) const {
        try {
            const ImagePath path = ImagePath::parse_lexically(word, dir_);
            const Regular* found = file_at(tree_, path);
            if (found != nullptr && (found->executable || !executable)) return path;
        } catch (const Error&) {
            // Not every word is a name.
        }
        return std::nullopt;
    }

private:
    const FileTree& tree_;
    std::vector<std::string> path_;
    ImagePath dir_;
};

bool is_shell(std::string_view program) {
    const std::string_view name = program.substr(program.rfind('/') + 1);
    return name == "sh" || name == "bash" || name == "ash" || name == "dash";
}

/// The first command of a shell's line that is plain enough: "exec nginx -g 'daemon off;'" runs nginx.
std::vector<std::string> words_of_line(const std::string& line) {
    std::vector<std::string> out;
    std::istringstream in(line);
    for (std::string word; in >> word;) {
        if (out.empty() && (word == "exec" || word.find('=') != std::string::npos)) continue;
        out.push_back(word);
    }
    return out;
}

}  // namespace

Spec inherit(Spec spec, const ocilayout::ImageConfig& from, const FileTree& tree, const Contents& contents,
             Reporter& reporter) {
    const bool is_new = spec.dialect == Dialect::schema1;
    const auto lacks = [&](const std::optional<std::vector<std::string>>& command) {
        return !command || (!is_new && command->empty());
    };
    const bool own_entrypoint = !lacks(spec.entrypoint);
    if (!own_entrypoint && !from.entrypoint.empty()) spec.entrypoint = from.entrypoint;
    // An entrypoint of the spec takes other arguments than the one that `cmd` was meant for (Dockerfile reference,
    // "Understand how CMD and ENTRYPOINT interact").
    if (lacks(spec.cmd) && !from.cmd.empty() && !(is_new && own_entrypoint)) spec.cmd = from.cmd;
    if (is_new || spec.env.empty()) spec.env = merged_env(spec.env, from.env);
    if (!spec.dir) spec.dir = directory_of(from.working_dir);
    if (spec.ports.empty()) spec.ports = from.exposed_ports;
    if (is_new || spec.labels.empty()) spec.labels.insert(from.labels.begin(), from.labels.end());
    if (!is_new) return spec;

    if (spec.stop_signal.empty()) spec.stop_signal = from.stop_signal;
    for (const std::string& volume : from.volumes) {
        if (const std::optional<ImagePath> path = directory_of(volume)) spec.mounts.insert(*path);
    }
    inherit_user(spec, from, tree, contents, reporter);
    return spec;
}

void add_healthcheck(ocilayout::ImageConfig& config, const Spec& spec, const ocilayout::ImageConfig& from,
                     const FileTree& shipped, Reporter& reporter) {
    if (spec.healthcheck || spec.dialect == Dialect::oracle || !from.healthcheck) return;
    const std::vector<std::string>& test = from.healthcheck->test;
    if (test.empty()) return;
    std::string program;
    if (test.front() == "CMD-SHELL") program = "/bin/sh";
    if (test.front() == "CMD" && test.size() > 1) program = test[1];
    if (!program.empty() && !CommandReader(spec, shipped).program(program)) {
        reporter.warn("the source image's healthcheck runs " + quote(program) +
                      ", which is not in this image, ignoring the healthcheck");
        return;
    }
    config.healthcheck = from.healthcheck;
}

std::vector<ImagePath> files_of_command(const Spec& spec, const FileTree& tree, const Contents& contents,
                                        Reporter& reporter) {
    const CommandReader reader(spec, tree);
    std::vector<std::string> words = spec.entrypoint.value_or(std::vector<std::string>());
    const std::vector<std::string> cmd = spec.cmd.value_or(std::vector<std::string>());
    // Words that may be programs: the first one, what a wrapper such as an entrypoint script or `tini --` is given.
    std::set<std::size_t> programs = {0, words.size()};
    words.insert(words.end(), cmd.begin(), cmd.end());
    std::vector<ImagePath> out;
    const auto add = [&](const std::optional<ImagePath>& path) {
        if (path && std::ranges::find(out, *path) == out.end()) out.push_back(*path);
        return path.has_value();
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--") programs.insert(i + 1);
        const bool is_line = i >= 2 && words[i - 1] == "-c" && is_shell(words[i - 2]);
        if (is_line) {
            const std::vector<std::string> line = words_of_line(word);
            if (!line.empty()) add(reader.program(line.front()));
        } else if (!programs.contains(i) || !add(reader.program(word))) {
            // "python app.py", "nginx -c /etc/nginx/other.conf": what is there is meant.
            if (i > 0 && word.find('/') != std::string::npos) add(reader.file(word, false));
            if (i > 0 && word.find('/') == std::string::npos && word.find('.') != std::string::npos) {
                add(reader.file(word, false));
            }
        }
    }
    for (const ImagePath& path : out) {
        const Regular* file = file_at(tree, path);
        if (!file->executable) continue;
        const Bytes bytes = contents.open(file->content);
        const auto script = elf::read_script_head(bytes.view());
        if (script && is_shell(script->interpreter)) {
            reporter.warn(quote(path.str()) +
                          " is a shell script: what it runs is not known; name in 'paths' what it " +
                          "needs, or run the program itself with 'entrypoint'");
        }
    }
    return out;
}

}  // namespace smith::builder
