// SPDX-License-Identifier: Apache-2.0
//
// `smith ls`: what is in an image.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using nlohmann::json;
using Entries = FileTree::Entries;

/// "-rwxr-xr-x"
std::string mode_text(const Node& node) {
    if (std::holds_alternative<Symlink>(node)) return "lrwxrwxrwx";
    const bool executable = (mode_of(node) & 0111U) != 0;
    const char* permissions = executable ? "rwxr-xr-x" : "rw-r--r--";
    return (std::holds_alternative<Directory>(node) ? "d" : "-") + std::string(permissions);
}

std::uint64_t size_of(const Node& node) {
    if (const auto* file = std::get_if<Regular>(&node)) return file->content.size;
    if (const auto* link = std::get_if<Symlink>(&node)) return link->target.size();
    return 0;
}

std::string owner_text(const ocilayout::LoadedImage& image) {
    return image.owner ? std::to_string(image.owner->uid) + ":" + std::to_string(image.owner->gid) : "-";
}

json to_json(const ImagePath& path, const Node& node) {
    json out = json::object();
    put_name(out, "path", path.str());
    if (const auto* file = std::get_if<Regular>(&node)) {
        out["type"] = "file";
        out["executable"] = file->executable;
        out["size"] = file->content.size;
        out["digest"] = file->content.digest.str();
    } else if (const auto* link = std::get_if<Symlink>(&node)) {
        out["type"] = "link";
        put_name(out, "target", link->target);
    } else {
        out["type"] = "directory";
    }
    return out;
}

/// The entry at `path`, whose last link is not followed, and all below it; the root itself is not listed.
std::vector<Entries::const_iterator> choose(const FileTree& tree, const LsCommand& command) {
    const ImagePath asked = ImagePath::parse(command.path);
    // What is at /lib64/x is at /usr/lib64/x, if /lib64 is a link there. A trailing slash means what the link leads to.
    const LastLink last = command.path.ends_with('/') ? LastLink::follow : LastLink::keep;
    const Resolution found = tree.resolve(asked, last);
    if (found.entry == nullptr)
        throw Error(ErrorKind::usage, quote(asked.str()) + " is not in " + quote(command.source));
    std::vector<Entries::const_iterator> out;
    if (!found.path.is_root()) out.push_back(tree.entries().find(found.path));
    for (auto it = tree.first_below(found.path); tree.is_below(it, found.path); ++it) out.push_back(it);
    return out;
}

std::string list(const std::vector<Entries::const_iterator>& entries, const std::string& owner, bool long_format) {
    std::size_t width = 0;
    for (const auto& it : entries) width = std::max(width, std::to_string(size_of(it->second.node)).size());
    // In a pipe names are bytes, as other tools have it; a terminal would obey some of them.
    const bool terminal = stdout_is_terminal();
    const auto shown = [&](const std::string& name) { return terminal ? name_for_terminal(name) : name; };
    std::string out;
    for (const auto& it : entries) {
        const auto& [path, entry] = *it;
        if (long_format) {
            const std::string size = std::to_string(size_of(entry.node));
            out += mode_text(entry.node) + " " + owner + " " + std::string(width - size.size(), ' ') + size + " ";
        }
        out += shown(path.str());
        if (const Symlink* link = as_symlink(&entry); link != nullptr && long_format)
            out += " -> " + shown(link->target);
        out += '\n';
    }
    return out;
}

}  // namespace

int run_command(const LsCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const ocilayout::LoadedImage image = open_image(command.source, context, false);
    const auto entries = choose(image.tree, command);
    context.reporter.clear();
    if (!context.common.json) {
        write_stdout(list(entries, owner_text(image), command.long_format));
        return kDone;
    }
    json document = json::array();
    for (const auto& it : entries) document.push_back(to_json(it->first, it->second.node));
    write_json(document);
    return kDone;
}

}  // namespace smith::cli
