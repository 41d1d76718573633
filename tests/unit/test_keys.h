// SPDX-License-Identifier: Apache-2.0
//
// Keys that open nothing but tests: made by openssl(1); kCosign by Python's hashlib.scrypt and libsodium, in the form
// of `cosign generate-key-pair`. All but kEd25519 and kP384 are one key; the passphrase is "opensesame".
#pragma once

#include <string_view>

namespace smith {

inline constexpr std::string_view kP256 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/IAzAWNJ+KudzfvL\n"
    "O8Cf6Nw3BYqtnDldAIpGaHp0/EmhRANCAAQF1BwIGFqZZGBNPGYTjhjk/MSfQbND\n"
    "dRdR1KDmBul/fD5nJNvqKX9dnEqLOOp1k3JkWU3qNppDnJVESJXWNrWj\n"
    "-----END PRIVATE KEY-----\n";

inline constexpr std::string_view kP256Public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBdQcCBhamWRgTTxmE44Y5PzEn0Gz\n"
    "Q3UXUdSg5gbpf3w+ZyTb6il/XZxKizjqdZNyZFlN6jaaQ5yVREiV1ja1ow==\n"
    "-----END PUBLIC KEY-----\n";

inline constexpr std::string_view kSec1 =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIPyAMwFjSfirnc37yzvAn+jcNwWKrZw5XQCKRmh6dPxJoAoGCCqGSM49\n"
    "AwEHoUQDQgAEBdQcCBhamWRgTTxmE44Y5PzEn0GzQ3UXUdSg5gbpf3w+ZyTb6il/\n"
    "XZxKizjqdZNyZFlN6jaaQ5yVREiV1ja1ow==\n"
    "-----END EC PRIVATE KEY-----\n";

inline constexpr std::string_view kEncrypted =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhwgl2v6zshGQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEM+Lgt2ES++r631tQZ+H+CsEgZA0\n"
    "uz/31mI9oB9AgXIoxYuwLwA/WtI2acoBsB9z9jBrCr9b6Ka+gdCJsvAIMyecIuOh\n"
    "4wWMGxJNuVHuUG3nRQeufaAGcmmPkrRM6IBa8qpvD2Dk84PHwb4KeOzc0adZ9oNx\n"
    "QTNuYBvBrrT9/T7f+GSKmwKgRS+p+m93E2bDsK6MI2EqbAqyLSNju95vUXOLumI=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

inline constexpr std::string_view kEd25519 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIHpaqNToac72RY0aBhr+8QVhc0HjZo8BXkIth6tG+TyY\n"
    "-----END PRIVATE KEY-----\n";

inline constexpr std::string_view kP384 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBk2LW6cwD0zjTcKx+l\n"
    "0WZhTYGt4oc6zpKmSvYyzAcpcuzD7jhydcct9RVJqBHTGH+hZANiAATqA8iIychy\n"
    "A8sWcOfGABNDs20vquI60tv/PCioV9uzm80YpvYYypppGzkXB+ywu3Us9B0raM/O\n"
    "/GqbSuMITYsXYK+nIMOqXtG/zbl/leBhcuiq3NuYr+yprljPxDS+Olg=\n"
    "-----END PRIVATE KEY-----\n";

inline constexpr std::string_view kCosign =
    "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
    "eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjoxMDI0LCJyIjo4\n"
    "LCJwIjoxfSwic2FsdCI6IlkwZWExcG9KQ3lXQ2QreVB1bStaUVpvdit5U0pnVkVH\n"
    "VjhsRXpORVVqcGM9In0sImNpcGhlciI6eyJuYW1lIjoibmFjbC9zZWNyZXRib3gi\n"
    "LCJub25jZSI6ImVEZDdVbGRYdEpSQ2Y0a0JUNWZYbVNqems0MFU2MUhpIn0sImNp\n"
    "cGhlcnRleHQiOiJ2ajA2NjNtUFRhUkNKaXl4b0l5aUlKQTNncm03QTN6cWhiK1la\n"
    "OG5GbCtPMXRoWGV0MXIyV0h5VDZ3Y3Y1SEJ6bk12N1F6K3VUYTV2VllaZ2V3bmRy\n"
    "STk2RWdnZGVIby9ldWVkTWRSdllEekpDRXlSTEVXRXZCTWR4bWJyeCtXbXVRZ2li\n"
    "bUsrWGZ5anIvK21OVmxubmJGdTZRQno3YlptenkrU2oxZVdjUUhyVkxhM1Y2bWdC\n"
    "RFU9In0=\n"
    "-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";

}  // namespace smith
