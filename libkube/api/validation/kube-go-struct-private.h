/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

typedef struct {
  const char *name;
  const char *members;
} KubeGoStruct;

extern const KubeGoStruct kube_go_structs[];
