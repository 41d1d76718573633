// SPDX-License-Identifier: Apache-2.0
#include "runtime/json_view.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace smith::runtime {

using nlohmann::json;

JsonView::JsonView(const json* value, std::string place)
    : value_(value == nullptr || value->is_null() ? nullptr : value), place_(std::move(place)) {}

void JsonView::fail(std::string_view problem) const {
    throw Error(ErrorKind::spec, (place_.empty() ? "the document" : quote(place_)) + " " + std::string(problem));
}

void JsonView::refuse_if_present() const {
    if (!empty()) fail("is not supported yet");
}

const json& JsonView::need() const {
    if (value_ == nullptr) fail("is missing");
    return *value_;
}

JsonView JsonView::operator[](std::string_view key) const {
    std::string place = place_.empty() ? std::string(key) : place_ + "." + std::string(key);
    if (value_ == nullptr) return JsonView(nullptr, std::move(place));
    if (!value_->is_object()) fail("is not an object");
    const auto it = value_->find(std::string(key));
    return JsonView(it == value_->end() ? nullptr : &*it, std::move(place));
}

std::vector<JsonView> JsonView::elements() const {
    if (value_ == nullptr) return {};
    if (!value_->is_array()) fail("is not an array");
    std::vector<JsonView> out;
    for (const json& element : *value_) {
        out.emplace_back(&element, place_ + "[" + std::to_string(out.size()) + "]");
    }
    return out;
}

std::vector<std::string> JsonView::keys() const {
    if (value_ == nullptr) return {};
    if (!value_->is_object()) fail("is not an object");
    std::vector<std::string> out;
    for (const auto& item : value_->items()) out.push_back(item.key());
    return out;
}

bool JsonView::empty() const noexcept {
    if (value_ == nullptr) return true;
    if (value_->is_string()) return value_->get_ref<const std::string&>().empty();
    return (value_->is_array() || value_->is_object()) && value_->empty();
}

std::string JsonView::string() const {
    const json& value = need();
    if (!value.is_string()) fail("is not a string");
    std::string text = value.get<std::string>();
    if (text.find('\0') != std::string::npos) fail("has a NUL in it");
    return text;
}

std::string JsonView::string_or(std::string_view otherwise) const {
    return present() ? string() : std::string(otherwise);
}

std::vector<std::string> JsonView::strings() const {
    std::vector<std::string> out;
    for (const JsonView& element : elements()) out.push_back(element.string());
    return out;
}

bool JsonView::boolean_or(bool otherwise) const {
    if (!present()) return otherwise;
    if (!value_->is_boolean()) fail("is not true or false");
    return value_->get<bool>();
}

std::int64_t JsonView::integer(std::int64_t least, std::int64_t most) const {
    const json& value = need();
    if (!value.is_number_integer()) fail("is not an integer");
    const bool too_large =
        value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    const std::int64_t number = too_large ? INT64_MAX : value.get<std::int64_t>();
    if (too_large || number < least || number > most) {
        fail("is " + value.dump() + ", not between " + std::to_string(least) + " and " + std::to_string(most));
    }
    return number;
}

std::uint64_t JsonView::unsigned_integer(std::uint64_t most) const {
    const json& value = need();
    if (!value.is_number_integer()) fail("is not an integer");
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) {
        fail("is " + value.dump() + ", not between 0 and " + std::to_string(most));
    }
    return value.get<std::uint64_t>();
}

}  // namespace smith::runtime
