/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>

/* Writes an OCI layout with one image into @folder: /bin/busybox of this machine with a name for each of its commands, and the users root and web (1000:1001).
 * Returns the manifest's digest. */
std::string make_busybox_layout (const std::string &folder);
