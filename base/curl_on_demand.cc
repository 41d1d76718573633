// SPDX-License-Identifier: Apache-2.0
//
// libcurl, loaded when the first request is made. It brings thirty libraries (Kerberos, LDAP, a second TLS by way of
// RTMP) whose loading takes longer than all else that `smith --help`, `smith inspect` or a build from the cache does.
// The functions of <curl/curl.h> that base/http uses are defined here, and call those of the library; so that to the
// rest of the code nothing is different. A function that is missing here is an error of the linker.
#include <curl/curl.h>
#include <dlfcn.h>

#include <cstdarg>
#include <ctime>
#include <string>

#include "base/error.h"

// Macros of <curl/curl.h> that check the types of callers.
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

// libcurl.so.4 has kept its ABI since 2006; who wants to know what this program opens finds it in the ELF note of
// UAPI group's "ELF Metadata for dlopen()".
#define SMITH_CURL_SONAME "libcurl.so.4"
__asm__(
    ".pushsection .note.dlopen, \"a\", %note\n"
    ".balign 4\n"
    ".long 2f - 1f, 4f - 3f, 0x407c0c0a\n"
    "1: .asciz \"FDO\"\n"
    "2: .balign 4\n"
    "3: .asciz \"[{\\\"feature\\\":\\\"http\\\",\\\"description\\\":\\\"repositories and registries over the "
    "network\\\","
    "\\\"priority\\\":\\\"required\\\",\\\"soname\\\":[\\\"" SMITH_CURL_SONAME
    "\\\"]}]\"\n"
    "4: .balign 4\n"
    ".popsection\n");

namespace {

struct Library {
    void* handle = ::dlopen(SMITH_CURL_SONAME, RTLD_NOW | RTLD_LOCAL);
    std::string problem = handle == nullptr ? ::dlerror() : "";
};

/// The function `name` of the library. Throws Error (system) when one of the two is not there.
void* find(const char* name) {
    static const Library library;
    void* const found = library.handle == nullptr ? nullptr : ::dlsym(library.handle, name);
    if (found != nullptr) return found;
    throw smith::Error(smith::ErrorKind::system,
                       "the network is reached by libcurl, which can't be loaded: " +
                           (library.handle == nullptr ? library.problem : std::string("it has no ") + name));
}

/// `Own` is one of the functions below: that of the library has its type.
template <typename Own>
Own* real(Own* /*own*/, const char* name) {
    return reinterpret_cast<Own*>(find(name));
}

/// curl_url_get() takes a CURLU* or a const CURLU*, by the release.
template <typename Result, typename First, typename... Rest>
First first_parameter(Result (*)(First, Rest...));
using UrlToRead = decltype(first_parameter(&curl_url_get));

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,cert-dcl50-cpp)
#define SMITH_FORWARD(result, name, parameters, arguments)  \
    result name parameters {                                \
        static auto* const function = real(&(name), #name); \
        return function arguments;                          \
    }

extern "C" {

SMITH_FORWARD(CURLcode, curl_global_init, (long flags), (flags))
SMITH_FORWARD(void, curl_free, (void* text), (text))
SMITH_FORWARD(time_t, curl_getdate, (const char* text, const time_t* unused), (text, unused))

SMITH_FORWARD(CURL*, curl_easy_init, (), ())
SMITH_FORWARD(void, curl_easy_cleanup, (CURL * easy), (easy))
SMITH_FORWARD(void, curl_easy_reset, (CURL * easy), (easy))
SMITH_FORWARD(const char*, curl_easy_strerror, (CURLcode code), (code))

SMITH_FORWARD(CURLM*, curl_multi_init, (), ())
SMITH_FORWARD(CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi))
SMITH_FORWARD(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL* easy), (multi, easy))
SMITH_FORWARD(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL* easy), (multi, easy))
SMITH_FORWARD(CURLMcode, curl_multi_perform, (CURLM * multi, int* running), (multi, running))
SMITH_FORWARD(CURLMcode, curl_multi_poll,
              (CURLM * multi, curl_waitfd extra[], unsigned count, int timeout_ms, int* ready),
              (multi, extra, count, timeout_ms, ready))
SMITH_FORWARD(CURLMsg*, curl_multi_info_read, (CURLM * multi, int* left), (multi, left))
SMITH_FORWARD(const char*, curl_multi_strerror, (CURLMcode code), (code))

SMITH_FORWARD(curl_slist*, curl_slist_append, (curl_slist * list, const char* text), (list, text))
SMITH_FORWARD(void, curl_slist_free_all, (curl_slist * list), (list))

SMITH_FORWARD(CURLU*, curl_url, (), ())
SMITH_FORWARD(void, curl_url_cleanup, (CURLU * url), (url))
SMITH_FORWARD(CURLUcode, curl_url_get, (UrlToRead url, CURLUPart part, char** text, unsigned flags),
              (url, part, text, flags))
SMITH_FORWARD(CURLUcode, curl_url_set, (CURLU * url, CURLUPart part, const char* text, unsigned flags),
              (url, part, text, flags))

// Both take one argument behind the second, whose type follows from its number (CURLOPTTYPE_*, CURLINFO_*).
// clang notes that an enumeration before the dots might be promoted: it is as wide as int, and libcurl does the same.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvarargs"

CURLcode curl_easy_setopt(CURL* easy, CURLoption option, ...) {
    static auto* const function = real(&curl_easy_setopt, "curl_easy_setopt");
    std::va_list more;
    va_start(more, option);
    CURLcode code = CURLE_OK;
    if (option < CURLOPTTYPE_OBJECTPOINT) {
        code = function(easy, option, va_arg(more, long));
    } else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB) {
        code = function(easy, option, va_arg(more, curl_off_t));
    } else {
        code = function(easy, option, va_arg(more, void*));
    }
    va_end(more);
    return code;
}

CURLcode curl_easy_getinfo(CURL* easy, CURLINFO info, ...) {
    static auto* const function = real(&curl_easy_getinfo, "curl_easy_getinfo");
    std::va_list more;
    va_start(more, info);
    const CURLcode code = function(easy, info, va_arg(more, void*));
    va_end(more);
    return code;
}

#pragma GCC diagnostic pop

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name,cert-dcl50-cpp)
#undef SMITH_FORWARD
