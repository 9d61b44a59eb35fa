/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The export and the version gate of every public declaration: the library is built with hidden visibility, so a declaration
 * without one of these cannot be linked. */
#ifndef KUBE_EXTERN
#define KUBE_EXTERN __attribute__ ((visibility ("default"))) extern
#endif

#define KUBE_AVAILABLE_IN_1_0 KUBE_EXTERN
