// SPDX-License-Identifier: Apache-2.0
#include "builder/yaml_reader.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/bounds.h"
#include "base/error.h"
#include "base/utf8.h"

namespace smith::builder {

namespace {

using Kind = YamlNode::Kind;

/// What a part of the tree costs whoever copies it.
struct Cost {
    std::size_t nodes = 0;
    std::size_t bytes = 0;  ///< of text
};

struct Anchored {
    YamlNode node;
    Cost cost;
};

// "\L" is two bytes, and the three of U+2028 once read: text can grow, but not to its double. What is beyond that was
// copied by aliases.
constexpr std::size_t kMaxYamlTextBytes = 2 * limits::kMaxSpecBytes;

/// Builds the tree from yaml-cpp's events. Its own tree is not used: that one has copies that share, keys that hide
/// each other, and no word about whether a scalar had quotes.
class TreeBuilder : public YAML::EventHandler {
public:
    explicit TreeBuilder(const std::string& file) : file_(file) {}

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        open(mark, anchor, Kind::null);
        close();
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        if (value.find('\0') != std::string::npos) fail(mark, "this text holds a NUL byte");
        YamlNode& node = open(mark, anchor, Kind::scalar);
        node.text = value;
        count(mark, {0, value.size()});
        // yaml-cpp's mark for what has quotes, and for block scalars.
        node.quoted = tag == "!";
        if (!node.quoted) refuse_tag(mark, tag);
        close();
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        refuse_tag(mark, tag);
        open(mark, anchor, Kind::list);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        refuse_tag(mark, tag);
        open(mark, anchor, Kind::map);
    }
    void OnMapEnd() override { close(); }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto it = anchors_.find(anchor);
        // The anchor is known to yaml-cpp, but what bears it has not ended.
        if (it == anchors_.end()) fail(mark, "this alias stands inside of what it refers to");
        count(mark, it->second.cost);
        YamlNode copy = it->second.node;
        copy.line = line_of(mark);
        copy.column = column_of(mark);
        if (stack_.size() + depth_of(copy) > kMaxYamlDepth) fail_too_deep(mark);
        add(std::move(copy));
    }

    [[nodiscard]] YamlNode take_root() { return std::move(root_); }

private:
    /// A node that has begun and not ended. A map keeps its keys and values in turn until it ends.
    struct Open {
        YamlNode node;
        YAML::anchor_t anchor;
        Cost before;
        std::vector<YamlNode> keys_and_values{};
    };

    static unsigned line_of(const YAML::Mark& mark) { return static_cast<unsigned>(mark.line) + 1; }
    static unsigned column_of(const YAML::Mark& mark) { return static_cast<unsigned>(mark.column) + 1; }

    [[noreturn]] void fail_at(unsigned line, unsigned column, const std::string& message) const {
        throw Error(ErrorKind::spec, Location{file_, line, column}.str() + ": " + message);
    }
    [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
        fail_at(line_of(mark), column_of(mark), message);
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
        // "?" is yaml-cpp's word for "no tag"; "!" is what it says of quoted scalars.
        if (tag.empty() || tag == "?" || tag == "!") return;
        fail(mark, "the tag " + quote(tag) + " means nothing here; leave it out");
    }

    [[noreturn]] void fail_too_deep(const YAML::Mark& mark) const {
        fail(mark, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
    }

    void count(const YAML::Mark& mark, Cost more) {
        if (more.nodes > kMaxYamlNodes - used_.nodes) {
            fail(mark, "more than " + std::to_string(kMaxYamlNodes) + " values, counting what aliases repeat");
        }
        if (more.bytes > kMaxYamlTextBytes - used_.bytes) {
            fail(mark, "more than " + std::to_string(kMaxYamlTextBytes) + " bytes, counting what aliases repeat");
        }
        used_.nodes += more.nodes;
        used_.bytes += more.bytes;
    }

    YamlNode& open(const YAML::Mark& mark, YAML::anchor_t anchor, Kind kind) {
        if (stack_.size() >= kMaxYamlDepth) fail_too_deep(mark);
        stack_.push_back(Open{{}, anchor, used_});
        count(mark, {1, 0});
        YamlNode& node = stack_.back().node;
        node.kind = kind;
        node.line = line_of(mark);
        node.column = column_of(mark);
        return node;
    }

    void close() {
        Open done = std::move(stack_.back());
        stack_.pop_back();
        if (done.node.kind == Kind::map) pair_up(done);
        if (done.anchor != YAML::NullAnchor) {
            const Cost cost{used_.nodes - done.before.nodes, used_.bytes - done.before.bytes};
            anchors_[done.anchor] = Anchored{done.node, cost};
        }
        add(std::move(done.node));
    }

    void add(YamlNode node) {
        if (stack_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& holder = stack_.back();
        auto& where = holder.node.kind == Kind::map ? holder.keys_and_values : holder.node.items;
        where.push_back(std::move(node));
    }

    /// The recursion is bounded: what was read was.
    static std::size_t depth_of(const YamlNode& node) {
        std::size_t deepest = 0;
        for (const YamlNode& item : node.items) deepest = std::max(deepest, depth_of(item));
        for (const YamlMember& member : node.members) deepest = std::max(deepest, depth_of(member.value));
        return deepest + 1;
    }

    void pair_up(Open& map) {
        std::map<std::string_view, const YamlNode*> seen;
        std::vector<YamlNode> merges;
        YamlNode& out = map.node;
        out.members.reserve(map.keys_and_values.size() / 2);
        for (std::size_t i = 0; i + 1 < map.keys_and_values.size(); i += 2) {
            YamlNode& key = map.keys_and_values[i];
            YamlNode& value = map.keys_and_values[i + 1];
            check_key(key);
            if (key.text == "<<" && !key.quoted) {
                merges.push_back(std::move(value));
                continue;
            }
            out.members.push_back({std::move(key), std::move(value)});
        }
        for (const YamlMember& member : out.members) {
            const YamlNode& key = member.key;
            const auto [first, is_new] = seen.emplace(key.text, &key);
            if (!is_new) {
                fail_at(key.line, key.column,
                        "the key " + quote(key.text) + " occurs twice; it stands in line " +
                            std::to_string(first->second->line) + " already");
            }
        }
        for (const YamlNode& merge : merges) merge_into(out, merge);
    }

    void check_key(const YamlNode& key) const {
        if (key.kind != Kind::scalar) {
            fail_at(key.line, key.column, "the key of a map must be text, not " + std::string(key.kind_name()));
        }
        if (key.text.size() > kMaxYamlKeyBytes) {
            fail_at(key.line, key.column, "a key of more than " + std::to_string(kMaxYamlKeyBytes) + " bytes");
        }
        for (const char byte : key.text) {
            if (static_cast<unsigned char>(byte) < 0x20U) {
                fail_at(key.line, key.column, "the key " + quote(key.text) + " holds a control character");
            }
        }
    }

    /// YAML's merge key (yaml.org/type/merge.html): members that the map doesn't have itself; earlier maps win.
    void merge_into(YamlNode& out, const YamlNode& merge) const {
        if (merge.kind == Kind::list) {
            for (const YamlNode& item : merge.items) merge_map(out, item);
        } else {
            merge_map(out, merge);
        }
    }

    void merge_map(YamlNode& out, const YamlNode& from) const {
        if (from.kind != Kind::map) {
            fail_at(from.line, from.column, "'<<' merges maps; this is " + std::string(from.kind_name()));
        }
        std::map<std::string_view, bool> has;
        for (const YamlMember& member : out.members) has.emplace(member.key.text, true);
        std::vector<YamlMember> added;
        for (const YamlMember& member : from.members) {
            if (!has.contains(member.key.text)) added.push_back(member);
        }
        out.members.insert(out.members.end(), std::make_move_iterator(added.begin()),
                           std::make_move_iterator(added.end()));
    }

    const std::string& file_;
    YamlNode root_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    Cost used_;
};

/// Line and column of a byte of `text`.
Location location_of(std::string_view text, std::size_t offset, const std::string& file) {
    const std::string_view before = text.substr(0, offset);
    const auto line = static_cast<unsigned>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {file, line + 1, static_cast<unsigned>(offset - line_start) + 1};
}

/// yaml-cpp would take UTF-16, and would replace what it can't read: both mean that two readers see two texts.
void check_encoding(std::string_view text, const std::string& file) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = utf8_sequence_length(text.substr(at));
        const bool is_nul = text[at] == '\0';
        if (length == 0 || is_nul) {
            throw Error(ErrorKind::spec, location_of(text, at, file).str() + ": " +
                                             (is_nul ? "a NUL byte" : "these bytes are not UTF-8"));
        }
        at += length;
    }
}

/// A tab before the first word of a line. yaml-cpp says "end of map not found" of it, far from where it stands.
void check_tabs(std::string_view text, const std::string& file, const YAML::Mark& failed) {
    std::size_t start = 0;
    for (int line = 0; line <= failed.line && start < text.size(); ++line) {
        const std::size_t word = std::min(text.find_first_not_of(" \t", start), text.size());
        const std::size_t tab = text.substr(start, word - start).find('\t');
        if (tab != std::string_view::npos) {
            throw Error(ErrorKind::spec,
                        location_of(text, start + tab, file).str() + ": a tab can't indent YAML; use spaces");
        }
        const std::size_t end = text.find('\n', start);
        if (end == std::string_view::npos) return;
        start = end + 1;
    }
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
    for (const YamlMember& member : members) {
        if (member.key.text == key) return &member.value;
    }
    return nullptr;
}

std::string_view YamlNode::kind_name() const {
    switch (kind) {
        case Kind::null: return "nothing";
        case Kind::scalar: return "text";
        case Kind::list: return "a list";
        case Kind::map: return "a map";
    }
    return "";
}

YamlNode read_yaml(std::string_view text, const std::string& file) {
    if (text.size() > limits::kMaxSpecBytes) {
        throw Error(ErrorKind::spec, file + ": larger than the " + std::to_string(limits::kMaxSpecBytes) +
                                         " bytes that a spec may have");
    }
    check_encoding(text, file);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        TreeBuilder builder(file);
        if (!parser.HandleNextDocument(builder)) throw Error(ErrorKind::spec, file + ": the file is empty");
        TreeBuilder second(file);
        YamlNode root = builder.take_root();
        if (parser.HandleNextDocument(second)) {
            const YamlNode more = second.take_root();
            throw Error(ErrorKind::spec, Location{file, more.line, more.column}.str() +
                                             ": a second document ('---'); a spec is one document");
        }
        return root;
    } catch (const YAML::Exception& e) {
        if (e.mark.is_null()) throw Error(ErrorKind::spec, file + ": not valid YAML: " + e.msg);
        check_tabs(text, file, e.mark);
        const Location where{file, static_cast<unsigned>(e.mark.line) + 1, static_cast<unsigned>(e.mark.column) + 1};
        throw Error(ErrorKind::spec, where.str() + ": not valid YAML: " + e.msg);
    }
}

}  // namespace smith::builder
