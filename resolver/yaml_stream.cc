// SPDX-License-Identifier: Apache-2.0
#include "resolver/yaml_stream.h"

#include <yaml.h>

#include <algorithm>
#include <exception>
#include <span>

#include "base/error.h"

namespace smith::resolver {

namespace {

// modulemd nests 6 deep, but for what a build system left in "xmd".
constexpr int kMaxYamlDepth = 64;
// Of one document. The largest module that is known, with a package for each of its artifacts, has some thousand.
constexpr std::size_t kMaxYamlNodes = 500'000;

/// One event, freed when the next one comes.
class Event {
public:
    Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { yaml_event_delete(&event_); }
    [[nodiscard]] yaml_event_t* raw() { return &event_; }
    [[nodiscard]] yaml_event_type_t type() const { return event_.type; }
    [[nodiscard]] std::string scalar() const {
        return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
    }

private:
    yaml_event_t event_{};
};

}  // namespace

struct YamlStream::State {
    explicit State(MetadataStream& stream) : text(stream) {
        if (yaml_parser_initialize(&parser) == 0) throw Error(ErrorKind::system, "reading YAML: out of memory");
        yaml_parser_set_input(
            &parser,
            [](void* self, unsigned char* buffer, std::size_t size, std::size_t* count) noexcept {
                auto& state = *static_cast<State*>(self);
                try {
                    *count = state.text.read(std::as_writable_bytes(std::span(buffer, size)));
                    return 1;
                } catch (...) {
                    state.error = std::current_exception();
                    return 0;
                }
            },
            this);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { yaml_parser_delete(&parser); }

    void advance(Event& event) {
        if (yaml_parser_parse(&parser, event.raw()) != 0) return;
        if (error != nullptr) std::rethrow_exception(error);
        throw wrong(parser.problem == nullptr ? "not YAML" : parser.problem);
    }

    [[nodiscard]] Error wrong(const std::string& what) const {
        return {ErrorKind::format, "line " + std::to_string(parser.mark.line + 1) + ": " + what};
    }

    YamlValue value(const Event& start, int depth) {
        if (depth > kMaxYamlDepth) throw wrong("it is nested too deep");
        if (++nodes > kMaxYamlNodes) throw wrong("a document has too many parts");
        YamlValue out;
        switch (start.type()) {
            case YAML_SCALAR_EVENT: out.text = start.scalar(); return out;
            case YAML_SEQUENCE_START_EVENT: read_list(out, depth); return out;
            case YAML_MAPPING_START_EVENT: read_map(out, depth); return out;
            case YAML_ALIAS_EVENT: throw wrong("it has an alias");
            default: throw wrong("a value is missing");
        }
    }

    void read_list(YamlValue& out, int depth) {
        out.kind = YamlValue::Kind::list;
        for (;;) {
            Event event;
            advance(event);
            if (event.type() == YAML_SEQUENCE_END_EVENT) return;
            out.items.push_back(value(event, depth + 1));
        }
    }

    void read_map(YamlValue& out, int depth) {
        out.kind = YamlValue::Kind::map;
        for (;;) {
            Event key;
            advance(key);
            if (key.type() == YAML_MAPPING_END_EVENT) return;
            if (key.type() != YAML_SCALAR_EVENT) throw wrong("a key is not a plain text");
            Event event;
            advance(event);
            out.keys.push_back(key.scalar());
            out.items.push_back(value(event, depth + 1));
        }
    }

    MetadataStream& text;
    yaml_parser_t parser{};
    std::exception_ptr error;
    std::size_t nodes = 0;
};

const YamlValue* YamlValue::find(std::string_view key) const {
    const auto found = std::find(keys.begin(), keys.end(), key);
    return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

YamlStream::YamlStream(MetadataStream& text) : state_(std::make_unique<State>(text)) {}
YamlStream::~YamlStream() = default;

std::optional<YamlValue> YamlStream::next() {
    state_->nodes = 0;
    std::optional<YamlValue> out;
    for (;;) {
        Event event;
        state_->advance(event);
        switch (event.type()) {
            case YAML_STREAM_START_EVENT:
            case YAML_DOCUMENT_START_EVENT: break;
            // libyaml goes on giving this one.
            case YAML_NO_EVENT:
            case YAML_STREAM_END_EVENT: return std::nullopt;
            case YAML_DOCUMENT_END_EVENT: return out;
            default: out = state_->value(event, 0);
        }
    }
}

}  // namespace smith::resolver
