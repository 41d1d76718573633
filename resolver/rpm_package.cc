// SPDX-License-Identifier: Apache-2.0
#include "resolver/rpm_package.h"

#include <fcntl.h>
#include <rpm/rpmds.h>
#include <rpm/rpmtag.h>
#include <rpm/rpmtd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/rpm_layout.h"
#include "resolver/rpm_library.h"
#include "resolver/rpm_url.h"

namespace smith::resolver {

namespace {

// The lead, a relic, comes before the signature header (rpm's docs/manual/format.md, "Lead").
constexpr off_t kLeadBytes = 96;

UniqueFd open_regular(const std::filesystem::path& file) {
    UniqueFd fd = open_file(file, O_RDONLY | O_NONBLOCK);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) throw system_error(errno, "looking at " + quote(file.string()));
    if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::system, quote(file.string()) + " is not a regular file");
    return fd;
}

/// By descriptor: librpm would take some names for URLs, or for a pipe.
RpmFdHandle rpm_handle(int fd) {
    RpmFdHandle out(fdDup(fd));
    if (!out) throw Error(ErrorKind::system, "opening a package: librpm cannot");
    return out;
}

Error damaged(const std::string& fallback) {
    const std::string said = RpmLog::text();
    return {ErrorKind::integrity, said.empty() ? fallback : fallback + " (" + said + ")"};
}

std::string text_of(Header header, rpmTag tag) {
    const char* text = headerGetString(header, tag);
    return text == nullptr ? std::string() : text;
}

/// The signature over the header, as the package's signature header has it. (The main header may hold a tag of this
/// number too, and anybody could have put it there: CVE-2021-20271.)
std::vector<std::uint8_t> header_signature(FD_t fd) {
    if (Fseek(fd, kLeadBytes, SEEK_SET) < 0) throw damaged("it is too short to be a package");
    const RpmHeaderHandle signatures(headerRead(fd, HEADER_MAGIC_YES));
    if (!signatures) throw damaged("its signature header is damaged");
    for (const rpmTag tag : {RPMTAG_RSAHEADER, RPMTAG_DSAHEADER}) {
        rpmtd_s data{};
        if (headerGet(signatures.get(), tag, &data, HEADERGET_MINMEM) == 0) continue;
        const auto* bytes = static_cast<const std::uint8_t*>(data.data);
        std::vector<std::uint8_t> out;
        if (data.type == RPM_BIN_TYPE && bytes != nullptr) out.assign(bytes, bytes + data.count);
        rpmtdFreeData(&data);
        if (!out.empty()) return out;
    }
    return {};
}

/// Reads the main header; librpm verifies its digests and, with keys, its signatures. `fd` stands at the payload then.
RpmHeaderHandle read_verified(FD_t fd, const Keyring* keyring) {
    const RpmLog log;
    const RpmTsHandle ts(rpmtsCreate());
    // Never null: librpm would look for keys in the host's rpm database.
    const Keyring none;
    static_cast<void>(rpmtsSetKeyring(ts.get(), (keyring == nullptr ? none : *keyring).state().handle.get()));
    static_cast<void>(rpmtsSetVSFlags(ts.get(), keyring == nullptr ? RPMVSF_MASK_NOSIGNATURES : RPMVSF_DEFAULT));
    if (Fseek(fd, 0, SEEK_SET) < 0) throw damaged("it cannot be read");
    Header raw = nullptr;
    const rpmRC rc = rpmReadPackageFile(ts.get(), fd, "package", &raw);
    RpmHeaderHandle header(raw);
    switch (rc) {
        case RPMRC_OK: break;
        case RPMRC_NOKEY: throw damaged("it is signed with a key that is not among the gpgkeys");
        case RPMRC_NOTTRUSTED: throw damaged("it is signed with a key that is not trusted");
        case RPMRC_NOTFOUND: throw damaged("it is not an rpm package");
        default: throw damaged("its header is damaged, or its signature is wrong");
    }
    if (!header) throw damaged("its header is damaged");
    return header;
}

/// The id of the key that signed. librpm verified a signature when it read the header, but not necessarily this one:
/// of two tags of one number, it and headerGet() take different ones. So what is held against our policy is verified,
/// and over all of the header that there is.
std::string check_signer(FD_t fd, const HeaderRange& range, const Keyring& keyring) {
    const RpmLog log;
    const std::vector<std::uint8_t> packet = header_signature(fd);
    if (packet.empty()) throw Error(ErrorKind::integrity, "its header is not signed");
    return verify_signature(keyring.state(), packet,
                            [&](const TakeBytes& take) { read_range(Fileno(fd), range.start, range.end, take); });
}

std::string algorithm_name(int algorithm) {
    switch (algorithm) {
        case PGPHASHALGO_MD5: return "md5";
        case PGPHASHALGO_SHA1: return "sha1";
        case PGPHASHALGO_SHA224: return "sha224";
        case PGPHASHALGO_SHA256: return "sha256";
        case PGPHASHALGO_SHA384: return "sha384";
        case PGPHASHALGO_SHA512: return "sha512";
        default: throw Error(ErrorKind::format, "file digests of unknown type " + std::to_string(algorithm));
    }
}

RpmFileKind kind_of(rpm_mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return RpmFileKind::regular;
        case S_IFDIR: return RpmFileKind::directory;
        case S_IFLNK: return RpmFileKind::symlink;
        case S_IFCHR:
        case S_IFBLK: return RpmFileKind::device;
        case S_IFIFO: return RpmFileKind::fifo;
        case S_IFSOCK: return RpmFileKind::socket;
        default: throw Error(ErrorKind::format, "a file of unknown kind");
    }
}

std::string or_empty(const char* text) { return text == nullptr ? std::string() : text; }

Checksum digest_of(rpmfiles files, int index) {
    int algorithm = 0;
    std::size_t size = 0;
    const unsigned char* bytes = rpmfilesFDigest(files, index, &algorithm, &size);
    // All zero is how librpm hands out a digest that the header does not have.
    if (bytes == nullptr || std::all_of(bytes, bytes + size, [](unsigned char c) { return c == 0; })) return {};
    return {algorithm_name(algorithm), to_hex(std::span(bytes, size))};
}

std::size_t first_of_links(rpmfiles files, int index) {
    const int* links = nullptr;
    const std::uint32_t count = rpmfilesFLinks(files, index, &links);
    return static_cast<std::size_t>(count > 1 && links != nullptr ? links[0] : index);
}

RpmFile read_file_entry(rpmfiles files, int index) {
    const std::unique_ptr<char, FreeWith<std::free>> name(rpmfilesFN(files, index));
    RpmFile out;
    // A relative name would mean something else to everybody who reads it; rpm writes none.
    if (!name || name.get()[0] != '/') {
        throw Error(ErrorKind::format, "a file name that is not absolute: " + quote(or_empty(name.get())));
    }
    out.path = ImagePath::parse(name.get());
    const rpm_mode_t mode = rpmfilesFMode(files, index);
    const rpmfileAttrs flags = rpmfilesFFlags(files, index);
    out.kind = kind_of(mode);
    out.mode = mode & 07777U;
    out.ghost = (flags & RPMFILE_GHOST) != 0;
    out.config = (flags & RPMFILE_CONFIG) != 0;
    out.doc = (flags & RPMFILE_DOC) != 0;
    out.license = (flags & RPMFILE_LICENSE) != 0;
    out.artifact = (flags & RPMFILE_ARTIFACT) != 0;
    out.color = rpmfilesFColor(files, index);
    out.owner = or_empty(rpmfilesFUser(files, index));
    out.group = or_empty(rpmfilesFGroup(files, index));
    out.capabilities = or_empty(rpmfilesFCaps(files, index));
    out.hard_link = static_cast<std::size_t>(index);
    if (out.kind == RpmFileKind::symlink) out.link_target = or_empty(rpmfilesFLink(files, index));
    if (out.kind != RpmFileKind::regular) return out;

    out.size = rpmfilesFSize(files, index);
    out.digest = digest_of(files, index);
    out.hard_link = first_of_links(files, index);
    if (!out.ghost && out.digest.hex.empty()) {
        throw Error(ErrorKind::format, quote(out.path.str()) + " has no digest in the header");
    }
    return out;
}

/// One entry for each file in all lists of files. rpmfilesNew() looks, too, but forgets what it has read so far (librpm
/// 4.18): every such package would cost memory.
void check_file_lists(Header header) {
    static constexpr std::array kLists{
        RPMTAG_BASENAMES,  RPMTAG_DIRINDEXES,    RPMTAG_FILEMODES,      RPMTAG_FILEFLAGS,    RPMTAG_FILEVERIFYFLAGS,
        RPMTAG_FILESIZES,  RPMTAG_LONGFILESIZES, RPMTAG_FILECOLORS,     RPMTAG_FILECAPS,     RPMTAG_FILELINKTOS,
        RPMTAG_FILELANGS,  RPMTAG_FILEDIGESTS,   RPMTAG_FILESIGNATURES, RPMTAG_FILEMTIMES,   RPMTAG_FILERDEVS,
        RPMTAG_FILEINODES, RPMTAG_FILEDEVICES,   RPMTAG_FILEUSERNAME,   RPMTAG_FILEGROUPNAME};
    std::optional<rpm_count_t> count;
    for (const rpmTag tag : kLists) {
        rpmtd_s list{};
        if (headerGet(header, tag, &list, HEADERGET_MINMEM) == 0) continue;
        const rpm_count_t found = rpmtdCount(&list);
        rpmtdFreeData(&list);
        if (!count) count = found;
        if (*count == found) continue;
        throw Error(ErrorKind::format, "its file list is damaged: " + std::to_string(found) + " entries of " +
                                           quote(rpmTagGetName(tag)) + ", " + std::to_string(*count) + " of others");
    }
}

void read_files(Header header, RpmHeader& out) {
    check_file_lists(header);
    const RpmFilesHandle files(rpmfilesNew(nullptr, header, RPMTAG_BASENAMES, RPMFI_NOFILECLASS | RPMFI_NOFILEDEPS));
    if (!files) throw Error(ErrorKind::format, "its file list is damaged");
    const rpm_count_t count = rpmfilesFC(files.get());
    if (count == 0) return;
    out.file_digest_algorithm = algorithm_name(rpmfilesDigestAlgo(files.get()));
    if (count > limits::kMaxTreeEntries) throw Error(ErrorKind::format, "it has too many files");
    std::uint64_t total = 0;
    out.files.reserve(count);
    for (rpm_count_t i = 0; i < count; ++i) {
        out.files.push_back(read_file_entry(files.get(), static_cast<int>(i)));
        // Each on its own first: the sum of what a liar claims could wrap around.
        const std::uint64_t size = out.files.back().size;
        if (size > limits::kMaxRpmBytes - total) throw Error(ErrorKind::format, "its files are larger than all bounds");
        if (!out.files.back().ghost) total += size;
    }
}

RpmDependencies read_dependencies(Header header, rpmTag tag) {
    RpmDependencies out;
    const std::unique_ptr<rpmds_s, FreeWith<rpmdsFree>> ds(rpmdsNew(header, tag, 0));
    while (ds && rpmdsNext(ds.get()) >= 0) {
        // "R bash >= 4": the letter says which kind.
        const std::string text = or_empty(rpmdsDNEVR(ds.get()));
        if (text.size() > 2) out.push_back(text.substr(2));
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> read_scriptlets(Header header) {
    struct Kind {
        rpmTag script;
        rpmTag program;
        const char* name;
    };
    // A scriptlet may be a program without a text ("-p /sbin/ldconfig").
    static constexpr std::array<Kind, 10> kinds{{
        {RPMTAG_PRETRANS, RPMTAG_PRETRANSPROG, "pretrans"},
        {RPMTAG_PREIN, RPMTAG_PREINPROG, "pre"},
        {RPMTAG_POSTIN, RPMTAG_POSTINPROG, "post"},
        {RPMTAG_PREUN, RPMTAG_PREUNPROG, "preun"},
        {RPMTAG_POSTUN, RPMTAG_POSTUNPROG, "postun"},
        {RPMTAG_POSTTRANS, RPMTAG_POSTTRANSPROG, "posttrans"},
        {RPMTAG_VERIFYSCRIPT, RPMTAG_VERIFYSCRIPTPROG, "verifyscript"},
        {RPMTAG_TRIGGERSCRIPTS, RPMTAG_TRIGGERSCRIPTPROG, "trigger"},
        {RPMTAG_FILETRIGGERSCRIPTS, RPMTAG_FILETRIGGERSCRIPTPROG, "filetrigger"},
        {RPMTAG_TRANSFILETRIGGERSCRIPTS, RPMTAG_TRANSFILETRIGGERSCRIPTPROG, "transfiletrigger"},
    }};
    std::vector<std::string> out;
    for (const Kind& kind : kinds) {
        if (headerIsEntry(header, kind.script) != 0 || headerIsEntry(header, kind.program) != 0) {
            out.emplace_back(kind.name);
        }
    }
    return out;
}

RpmHeader extract(Header header) {
    if (headerIsSource(header) != 0) throw Error(ErrorKind::format, "it is a source package");
    RpmHeader out;
    out.nevra.name = text_of(header, RPMTAG_NAME);
    out.nevra.epoch = static_cast<std::uint32_t>(headerGetNumber(header, RPMTAG_EPOCH));
    out.nevra.version = text_of(header, RPMTAG_VERSION);
    out.nevra.release = text_of(header, RPMTAG_RELEASE);
    out.nevra.arch = text_of(header, RPMTAG_ARCH);
    if (out.nevra.name.empty() || out.nevra.version.empty() || out.nevra.release.empty() || out.nevra.arch.empty()) {
        throw Error(ErrorKind::format, "its header does not say which package it is");
    }
    out.source_rpm = text_of(header, RPMTAG_SOURCERPM);
    out.license = text_of(header, RPMTAG_LICENSE);
    out.vendor = text_of(header, RPMTAG_VENDOR);
    out.url = text_of(header, RPMTAG_URL);
    out.summary = text_of(header, RPMTAG_SUMMARY);
    const std::string format = text_of(header, RPMTAG_PAYLOADFORMAT);
    if (!format.empty() && format != "cpio") {
        throw Error(ErrorKind::format, "its payload is " + quote(format) + ", not cpio");
    }
    out.payload_compressor = text_of(header, RPMTAG_PAYLOADCOMPRESSOR);
    out.scriptlets = read_scriptlets(header);
    out.requirements = read_dependencies(header, RPMTAG_REQUIRENAME);
    out.provides = read_dependencies(header, RPMTAG_PROVIDENAME);
    read_files(header, out);
    return out;
}

/// What librpm calls the layer that opens `compressor`.
std::string io_mode(const std::string& compressor) {
    if (compressor.empty() || compressor == "none" || compressor == "identity") return "r.ufdio";
    if (compressor == "gzip") return "r.gzdio";
    if (compressor == "bzip2") return "r.bzdio";
    if (compressor == "xz") return "r.xzdio";
    if (compressor == "lzma") return "r.lzdio";
    if (compressor == "zstd") return "r.zstdio";
    throw Error(ErrorKind::format, "its payload is compressed with " + quote(compressor) + ", which is not supported");
}

/// Holds the payload, as it is stored, against the header's digest of it: no decompressor sees a byte that the packager
/// did not write. Packages of before rpm 4.14 have none; their files are held against the header's digests all the
/// same.
void check_payload(int fd, Header raw, std::uint64_t start) {
    if (headerIsEntry(raw, RPMTAG_PAYLOADDIGEST) == 0) return;
    const std::string expected = text_of(raw, RPMTAG_PAYLOADDIGEST);
    if (expected.empty()) throw Error(ErrorKind::format, "the digest of its payload cannot be read");
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw system_error(errno, "looking at a package");
    const std::string algorithm = algorithm_name(static_cast<int>(headerGetNumber(raw, RPMTAG_PAYLOADDIGESTALGO)));
    Hasher hasher(algorithm);
    read_range(fd, start, std::max(start, static_cast<std::uint64_t>(status.st_size)),
               [&](std::span<const std::byte> part) { hasher.update(part); });
    const std::string got = hasher.finish_hex();
    if (got != expected) {
        throw Error(ErrorKind::integrity, "its payload is damaged: expected " + algorithm + ":" + expected + ", got " +
                                              algorithm + ":" + got);
    }
}

/// Takes the files of one payload, and holds each against the header.
class Unpacker {
public:
    Unpacker(const RpmHeader& header, PackWriter& pack)
        : header_(header), pack_(pack), contents_(header.files.size()) {}

    void read(rpmfi archive) {
        int rc = 0;
        while ((rc = rpmfiNext(archive)) >= 0) {
            const auto index = static_cast<std::size_t>(rpmfiFX(archive));
            if (index >= header_.files.size()) throw Error(ErrorKind::integrity, "its payload has an unknown file");
            // Hard links come one after the other, and only one of them has the bytes.
            if (header_.files[index].kind == RpmFileKind::regular && rpmfiArchiveHasContent(archive) != 0) {
                read_content(archive, index);
            }
        }
        if (rc != RPMERR_ITER_END) {
            const std::unique_ptr<char, FreeWith<std::free>> why(rpmfileStrerror(rc));
            throw damaged("its payload is damaged: " + or_empty(why.get()));
        }
    }

    std::vector<std::optional<Content>> finish() {
        for (std::size_t i = 0; i < contents_.size(); ++i) {
            const RpmFile& file = header_.files[i];
            if (file.kind != RpmFileKind::regular || file.ghost || contents_[i]) continue;
            contents_[i] = content_of_link(i);
            if (!contents_[i]) throw Error(ErrorKind::integrity, quote(file.path.str()) + " is missing in its payload");
        }
        return std::move(contents_);
    }

private:
    void read_content(rpmfi archive, std::size_t index) {
        const RpmFile& file = header_.files[index];
        if (contents_[index]) throw Error(ErrorKind::integrity, quote(file.path.str()) + " is twice in its payload");
        const bool same_hash = file.digest.algorithm == "sha256";
        Hasher hasher(file.digest.algorithm.empty() ? "sha256" : file.digest.algorithm);
        std::uint64_t left = file.size;
        for (;;) {
            const ssize_t count = rpmfiArchiveRead(archive, buffer_.data(), buffer_.size());
            if (count < 0) throw damaged("its payload is damaged, in " + quote(file.path.str()));
            if (count == 0) break;
            const auto bytes = std::span(buffer_).first(static_cast<std::size_t>(count));
            if (bytes.size() > left) throw size_error(file, "more");
            left -= bytes.size();
            pack_.write(bytes);
            if (!same_hash) hasher.update(bytes);
        }
        if (left != 0) throw size_error(file, "less");
        const Content content = pack_.end_content();
        const std::string hex = same_hash ? content.digest.hex() : hasher.finish_hex();
        // A ghost's digest may be missing, and nothing is made of its bytes.
        if (!file.ghost && hex != file.digest.hex) {
            throw Error(ErrorKind::integrity, quote(file.path.str()) + ": expected " + file.digest.str() + ", got " +
                                                  file.digest.algorithm + ":" + hex);
        }
        if (!file.ghost) contents_[index] = content;
    }

    static Error size_error(const RpmFile& file, const char* what) {
        return {ErrorKind::integrity, quote(file.path.str()) + " has " + what + " than the " +
                                          std::to_string(file.size) + " bytes that the header says"};
    }

    [[nodiscard]] std::optional<Content> content_of_link(std::size_t index) const {
        const RpmFile& wanted = header_.files[index];
        for (std::size_t i = wanted.hard_link; i < contents_.size(); ++i) {
            const RpmFile& file = header_.files[i];
            if (contents_[i] && file.hard_link == wanted.hard_link && file.digest == wanted.digest &&
                file.size == wanted.size) {
                return contents_[i];
            }
        }
        return std::nullopt;
    }

    const RpmHeader& header_;
    PackWriter& pack_;
    std::vector<std::optional<Content>> contents_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(128 * 1024);
};

RpmHeader read_header(int fd, const Keyring* keyring) {
    init_rpm();
    const RpmFdHandle handle = rpm_handle(fd);
    const RpmHeaderHandle header = read_verified(handle.get(), keyring);
    RpmHeader out = extract(header.get());
    const HeaderRange range = find_header(fd);
    out.digest = digest_header(fd, range);
    out.header_end = range.end;
    if (keyring != nullptr) {
        out.signer = check_signer(handle.get(), range, *keyring);
        out.signature_verified = true;
    }
    return out;
}

/// The keys that `repo`'s packages are signed with; null when nobody asks for signatures.
const Keyring* keyring_for(const std::string& repo, const Keyrings& keyrings) {
    const auto found = keyrings.find(repo);
    if (found == keyrings.end()) throw Error(ErrorKind::integrity, "it is not configured");
    return found->second ? &*found->second : nullptr;
}

void check_header(const RpmHeader& header, const PackageRef& ref) {
    if (header.nevra != ref.nevra) {
        throw Error(ErrorKind::integrity, "its header says that it is " + quote(header.nevra.str()));
    }
    if (ref.header && header.digest != *ref.header) {
        throw Error(ErrorKind::integrity, "its header is not the one that was locked: expected " + ref.header->str() +
                                              ", got " + header.digest.str());
    }
}

}  // namespace

RpmHeader read_rpm_header(const std::filesystem::path& file, const Keyring* keyring) {
    const auto doing = [&] { return "reading package " + quote(file.filename().string()); };
    return while_doing(doing, [&] { return read_header(open_regular(file).get(), keyring); });
}

RpmHeader read_package_header(const PackageRef& ref, int fd, bool is_whole, const Keyrings& keyrings) {
    const Keyring* keyring = nullptr;
    try {
        if (!ref.repo.empty()) keyring = keyring_for(ref.repo, keyrings);
        if (!is_whole && keyring == nullptr && !ref.header) {
            throw Error(ErrorKind::integrity, "only its start is here, and nothing to verify that with");
        }
        RpmHeader header = read_header(fd, keyring);
        check_header(header, ref);
        return header;
    } catch (Error& e) {
        e.prepend("package " + quote(ref.nevra.str()) + " from " +
                  (ref.repo.empty() ? (is_rpm_url(ref.location) ? "" : "local file ") + quote(ref.location)
                                    : "repository " + quote(ref.repo)));
        if (keyring != nullptr && e.kind() == ErrorKind::integrity) {
            throw Error(
                e.kind(),
                e.message() +
                    "; if this is meant to be, add the right gpgkey to the repository, or set its gpgcheck to false");
        }
        throw;
    }
}

RpmHeader read_package_header(const LocalPackage& package, const Keyrings& keyrings) {
    return read_package_header(package.ref, open_regular(package.file).get(), package.is_whole, keyrings);
}

std::vector<std::optional<Content>> unpack_rpm(const std::filesystem::path& file, const RpmHeader& header,
                                               PackWriter& pack) {
    const auto doing = [&] { return "unpacking package " + quote(header.nevra.str()); };
    return while_doing(doing, [&] {
        const RpmLog log;
        const RpmFdHandle fd = rpm_handle(open_regular(file).get());
        const RpmHeaderHandle raw = read_verified(fd.get(), nullptr);
        const RpmFilesHandle files(
            rpmfilesNew(nullptr, raw.get(), RPMTAG_BASENAMES, RPMFI_NOFILECLASS | RPMFI_NOFILEDEPS));
        if (!files || rpmfilesFC(files.get()) != header.files.size()) {
            throw Error(ErrorKind::integrity, "it is not the package whose header was read");
        }
        Unpacker unpacker(header, pack);
        if (!header.files.empty()) {
            check_payload(Fileno(fd.get()), raw.get(), header.header_end);
            const RpmFdHandle payload(fdDup(Fileno(fd.get())));
            // It gives back what it was given, with a layer more; nothing for a compressor that it does not know.
            if (!payload || Fdopen(payload.get(), io_mode(header.payload_compressor).c_str()) == nullptr ||
                Ferror(payload.get()) != 0) {
                throw damaged("its payload cannot be opened");
            }
            const RpmFiHandle archive(rpmfiNewArchiveReader(payload.get(), files.get(), RPMFI_ITER_READ_ARCHIVE));
            if (!archive) throw damaged("its payload cannot be read");
            unpacker.read(archive.get());
        }
        return unpacker.finish();
    });
}

}  // namespace smith::resolver
