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

// A comment that is put behind every spec. Where a quote is not closed and the file ends with a newline, yaml-cpp takes
// that for the end of the text; but not where something follows.
constexpr std::string_view kEnd = "\n#";

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

/// yaml-cpp makes single bytes, 0x85 and 0xa0, of the escapes "\N" and "\_" (U+0085 and U+00A0). All else in `text` is
/// UTF-8, so such a byte never continues what is before it.
std::string with_latin1_escapes_mended(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        if (length == 0) out += '\xc2';
        out += text.substr(0, std::max<std::size_t>(length, 1));
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

/// Line and column of a byte of `text`.
Location location_of(std::string_view text, std::size_t offset, const std::string& file) {
    const std::string_view before = text.substr(0, offset);
    const auto line = static_cast<unsigned>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {file, line + 1, static_cast<unsigned>(offset - line_start) + 1};
}

/// Where yaml-cpp means. What it finds beyond the end, it finds at the end: kEnd is nobody's text.
Location place_of(const YAML::Mark& mark, const Location& end) {
    const Location place{end.file, static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
    return place.line > end.line ? end : place;
}

/// Builds the tree from yaml-cpp's events. Its own tree is not used: that one has copies that share, keys that hide
/// each other, and no word about whether a scalar had quotes.
class TreeBuilder : public YAML::EventHandler {
public:
    /// `end` is the end of the text.
    TreeBuilder(const Location& end, std::size_t max_nodes) : end_(end), max_nodes_(max_nodes) {}

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
        node.text = with_latin1_escapes_mended(value);
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
        set_place(copy, mark);
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

    void set_place(YamlNode& node, const YAML::Mark& mark) const {
        const Location place = place_of(mark, end_);
        node.line = place.line;
        node.column = place.column;
    }

    [[noreturn]] void fail_at(unsigned line, unsigned column, const std::string& message) const {
        throw Error(ErrorKind::spec, Location{end_.file, line, column}.str() + ": " + message);
    }
    [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
        const Location place = place_of(mark, end_);
        fail_at(place.line, place.column, message);
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
        // "?" is yaml-cpp's word for "no tag"; "!" is what it says of quoted scalars.
        if (tag.empty() || tag == "?" || tag == "!") return;
        fail(mark, "the tag " + quote(tag) + " means nothing here; leave it out, or put the text in quotes");
    }

    [[noreturn]] void fail_too_deep(const YAML::Mark& mark) const {
        fail(mark, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
    }

    void count(const YAML::Mark& mark, Cost more) {
        if (more.nodes > max_nodes_ - used_.nodes) {
            fail(mark, "more than " + std::to_string(max_nodes_) + " values, counting what aliases repeat");
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
        set_place(node, mark);
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

    const Location& end_;
    std::size_t max_nodes_;
    YamlNode root_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    Cost used_;
};

/// yaml-cpp would take UTF-16, and would replace what it can't read: both mean that two readers see two texts. Control
/// characters are not YAML (1.2, section 5.1), though escapes for them are.
void check_encoding(std::string_view text, const std::string& file) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = utf8_sequence_length(text.substr(at));
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool is_control = byte < 0x20U && byte != '\t' && byte != '\n' && byte != '\r';
        if (length == 0 || is_control) {
            const std::string what = quote(text.substr(at, 1));
            throw Error(ErrorKind::spec,
                        location_of(text, at, file).str() + ": " +
                            (is_control ? "the control character " + what : "a byte that is not UTF-8, " + what));
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

/// What to do about a word that begins with a character that means something to YAML, such as the glob "*.conf".
std::string hint_at(std::string_view text, const Location& where) {
    std::size_t start = 0;
    for (unsigned line = 1; line < where.line && start != std::string_view::npos; ++line) {
        start = text.find('\n', start);
        if (start != std::string_view::npos) ++start;
    }
    if (start == std::string_view::npos) return {};
    const std::size_t at = start + where.column - 1;
    constexpr std::string_view special = "*&!%@`";
    if (at >= text.size() || special.find(text[at]) == std::string_view::npos) return {};
    return "; text that begins with " + quote(text.substr(at, 1)) + " needs quotes around it";
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

YamlNode read_yaml(std::string_view text, const std::string& file, std::size_t max_nodes) {
    const Location whole{file};
    if (text.size() > limits::kMaxSpecBytes) {
        throw Error(ErrorKind::spec, whole.str() + ": larger than the " + std::to_string(limits::kMaxSpecBytes) +
                                         " bytes that a spec may have");
    }
    check_encoding(text, file);
    const Location end = location_of(text, text.size(), file);
    try {
        std::istringstream stream(std::string(text).append(kEnd));
        YAML::Parser parser(stream);
        TreeBuilder first(end, max_nodes);
        TreeBuilder second(end, max_nodes);
        if (!parser.HandleNextDocument(first)) throw Error(ErrorKind::spec, whole.str() + ": the file is empty");
        if (parser.HandleNextDocument(second)) {
            const YamlNode more = second.take_root();
            throw Error(ErrorKind::spec, Location{file, more.line, more.column}.str() +
                                             ": a second document ('---'); a spec is one document");
        }
        return first.take_root();
    } catch (const YAML::Exception& e) {
        if (e.mark.is_null()) throw Error(ErrorKind::spec, whole.str() + ": not valid YAML: " + e.msg);
        check_tabs(text, file, e.mark);
        const Location where = place_of(e.mark, end);
        const bool open_quote = e.msg == YAML::ErrorMsg::EOF_IN_SCALAR;
        throw Error(ErrorKind::spec, where.str() + ": not valid YAML: " +
                                         (open_quote ? "a quote is never closed" : e.msg + hint_at(text, where)));
    }
}

}  // namespace smith::builder
